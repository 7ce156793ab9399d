import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname } from 'node:path';
import { FULL, QUICK } from './cases/durations.ts';
import type { Job } from './cases/job.ts';
import { type Assignment, planJobs } from './cases/jobs.ts';
import { Measurements } from './cases/measurements.ts';
import { openNetwork } from './measure/bench-network.ts';
import { GeneratorProcess } from './measure/generator-process.ts';
import { describeMachine } from './measure/machine.ts';
import { Progress } from './measure/progress.ts';
import { readOptions } from './options.ts';
import type { Report } from './report-data.ts';
import { writeHtmlReport } from './report/html-report.ts';
import { formatReport } from './report.ts';
import { chooseServers } from './servers/choose-servers.ts';
import { TLS_CIPHER } from './settings.ts';

let isEnding = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // What was started and made ends with the process.
    if (isEnding) process.exit(1);
    isEnding = true;
    process.stderr.write('ending with what there is by now; once more ends at once\n');
  });
}

const args = process.argv.slice(2);
const options = understood(() => readOptions(args));
const { servers, skipped } = understood(() => chooseServers(options));
const network = understood(() => openNetwork(options.network));
const generator = new GeneratorProcess(network);
const measurements = new Measurements();
const startedAt = new Date().toISOString();
const loadBefore = loadavg()[0]!;
const conditions = {
  surroundings: { network, generator },
  durations: options.isQuick ? QUICK : FULL,
  seed: options.seed,
};
const jobs = understood(() => planned({ options, servers, conditions, measurements }));
try {
  await carryOut();
} finally {
  await write(describe());
  await generator.stop();
}

/** Ends with the message alone when what was asked for makes no sense. */
function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${message}\nbench/README.md says what there is\n`);
    return process.exit(2);
  }
}

function describe(): Report {
  return {
    startedAt,
    command: ['npm run bench --', ...args].join(' '),
    rounds: options.rounds,
    network: network.name,
    seed: options.seed,
    machine: describeMachine(),
    versions: {
      node: process.version,
      ...Object.fromEntries(servers.map((server) => [server.name, server.version()])),
    },
    skipped,
    tlsCipher: TLS_CIPHER,
    ...measurements.figures(),
    loadAverages: [loadBefore, loadavg()[0]!],
  };
}

function planned(assignment: Assignment): readonly Job[] {
  const all = planJobs(assignment);
  if (all.length > 0) return all;
  throw new Error('no case is left to measure, or no server for it');
}

async function carryOut(): Promise<void> {
  const progress = new Progress(jobs.reduce((sum, { seconds }) => sum + seconds, 0));
  for (const job of jobs) {
    if (isEnding) return;
    progress.begin(job.title);
    await job.run();
    progress.finish(job.seconds);
  }
}

async function write(report: Report): Promise<void> {
  const { output } = options;
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, `${JSON.stringify(report, undefined, 2)}\n`);
  await writeHtmlReport(report, output.replace(/(?:\.json)?$/, '.html'));
  process.stdout.write(formatReport(report));
}
