import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { isPinning } from '../measure/pinned-process.ts';
import type { FunctionFigures } from './figures.ts';
import { measureVersions } from './rounds.ts';
import { formatFigures } from './table.ts';
import { MicroVersion } from './version.ts';

/** Everything that a run of the micro benches found out; written as JSON. */
interface MicroReport {
  readonly startedAt: string;
  readonly command: string;
  readonly processor: string;
  readonly isPinning: boolean;
  readonly node: string;
  readonly rounds: number;
  readonly functions: readonly FunctionFigures[];
  /** Processes that were runnable on average over the last minute, when the run began and when it ended. */
  readonly loadAverages: readonly number[];
}

const METHOD = `Times are medians over the rounds, each a process of its own; spread is half the distance from the
fastest round to the slowest. Bytes are the growth of the used heap while nothing is collected.
`;
const COMPARISON_METHOD = `Both versions had their turn in every round; "faster" and "slower" mean that each round of
the new version was so, compared with each of the old one.
`;

const { values: options } = parseArgs({
  options: {
    against: { type: 'string' },
    filter: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    milliseconds: { type: 'string', default: '150' },
    json: { type: 'string' },
  },
});

const older = options.against === undefined ? undefined : new MicroVersion(options.against);
const startedAt = new Date().toISOString();
const loadBefore = loadavg()[0]!;
const settings = {
  rounds: positive('rounds', options.rounds),
  milliseconds: positive('milliseconds', options.milliseconds),
  filter: options.filter,
};
const functions = await measureVersions(new MicroVersion(), older, settings);
const report: MicroReport = {
  startedAt,
  command: `bench:micro ${process.argv.slice(2).join(' ')}`.trimEnd(),
  processor: cpus()[0]?.model ?? 'unknown',
  isPinning,
  node: process.version,
  rounds: settings.rounds,
  functions,
  loadAverages: [loadBefore, loadavg()[0]!],
};
if (functions.length === 0) throw new Error(`no function has "${settings.filter}" in its name`);
if (options.json !== undefined) {
  writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
}
process.stdout.write(
  `${formatFigures(functions, older !== undefined)}\n${METHOD}${older ? COMPARISON_METHOD : ''}`,
);

function positive(name: string, value: string): number {
  const number = Number(value);
  if (!(number > 0)) throw new Error(`--${name} has to be more than 0: ${value}`);
  return number;
}
