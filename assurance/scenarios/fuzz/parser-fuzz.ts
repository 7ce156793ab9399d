import { setImmediate as nextTurn } from 'node:timers/promises';
import { SeededRandom } from '../../../test/support/core/seeded-random.ts';
import { usedBytes } from '../../../test/support/heap.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { ByteMutator, type Corpus } from '../../support/fuzz/byte-mutator.ts';
import { parserCorpus } from '../../support/fuzz/parser-corpus.ts';
import {
  PARSER_TARGETS,
  type ParserName,
  type ParserTarget,
} from '../../support/fuzz/parser-targets.ts';

/** Mutants of each parser at scale 1, ten million in all; what is cheap and deep gets more. */
const MUTANTS: Readonly<Record<ParserName, number>> = {
  'stun-decode': 2_500_000,
  'stun-reencode': 2_500_000,
  'stun-integrity': 600_000,
  'stream-framer': 1_400_000,
  'dtls-hello': 1_500_000,
  'tls-hello': 700_000,
  'proxy-header': 800_000,
};
const WARM_UP = 20_000;
const SLOW_MS = 1;
/** A slow one is repeated, since the machine may have done something else meanwhile. */
const REPETITIONS = 5;
const HEAP_GROWTH_BYTES_MAX = 5_000_000;
const ACCEPTED_PERCENT_MIN = 1;
const FAILURES_KEPT_MAX = 5;

/** Parsers in this process, millions of mutants of real messages. */
export const parserFuzz: Scenario = {
  name: 'parser-fuzz',
  promise: 'no mutant of a real message throws out of a parser, is read wrongly or takes long',
  missing: () => false,
  run,
};

interface Tally {
  readonly name: ParserName;
  mutants: number;
  accepted: number;
  failed: number;
  /** The first failures, each with its bytes. */
  readonly failures: string[];
  slow: number;
  /** The slowest mutant, at its fastest. */
  slowestMs: number;
}

async function run(options: ScenarioOptions): Promise<readonly Finding[]> {
  const corpus = parserCorpus();
  const names = Object.keys(PARSER_TARGETS) as ParserName[];
  for (const name of names) await fuzz(name, corpus[name], WARM_UP, options.seed);
  const before = usedBytes();
  const tallies: Tally[] = [];
  for (const name of names) {
    const count = Math.ceil(MUTANTS[name] * options.scale);
    const tally = await fuzz(name, corpus[name], count, options.seed + 1);
    options.progress(`${name}: ${tally.mutants} mutants, slowest ${tally.slowestMs.toFixed(3)} ms`);
    tallies.push(tally);
  }
  return [...tallies.flatMap(findingsOf), heapFinding(usedBytes() - before)];
}

async function fuzz(name: ParserName, corpus: Corpus, count: number, seed: number): Promise<Tally> {
  const mutator = new ByteMutator(corpus, new SeededRandom(seed));
  const tally: Tally = {
    name,
    mutants: 0,
    accepted: 0,
    failed: 0,
    failures: [],
    slow: 0,
    slowestMs: 0,
  };
  for (; tally.mutants < count; tally.mutants++) {
    mutator.next();
    judge(tally, PARSER_TARGETS[name], mutator);
    if (tally.mutants % 100_000 === 0) await nextTurn();
  }
  return tally;
}

function judge(tally: Tally, target: ParserTarget, mutant: ByteMutator): void {
  try {
    const start = performance.now();
    const isAccepted = target(mutant.bytes, mutant.length);
    let ms = performance.now() - start;
    if (isAccepted) tally.accepted++;
    if (ms <= SLOW_MS && ms <= tally.slowestMs) return;
    for (let count = 0; count < REPETITIONS; count++) ms = Math.min(ms, time(target, mutant));
    tally.slowestMs = Math.max(tally.slowestMs, ms);
    if (ms > SLOW_MS) tally.slow++;
  } catch (error) {
    tally.failed++;
    const bytes = Buffer.from(mutant.bytes.subarray(0, mutant.length)).toString('hex');
    if (tally.failures.length < FAILURES_KEPT_MAX)
      tally.failures.push(`${String(error)}: ${bytes}`);
  }
}

function time(target: ParserTarget, { bytes, length }: ByteMutator): number {
  const start = performance.now();
  target(bytes, length);
  return performance.now() - start;
}

function findingsOf(tally: Tally): Finding[] {
  const { name, mutants, accepted, failed, failures, slow, slowestMs } = tally;
  const count = mutants.toLocaleString('en');
  return [
    {
      what: `${name}, thrown out of it or read wrongly`,
      figure: [`${failed} of ${count} mutants`, ...failures].join('; '),
      bound: '0',
      holds: failed === 0,
    },
    {
      what: `${name}, mutants that got through`,
      figure: `${((100 * accepted) / mutants).toFixed(1)} %`,
      bound: `>= ${ACCEPTED_PERCENT_MIN} %, or there was little to read`,
      holds: accepted >= (mutants * ACCEPTED_PERCENT_MIN) / 100,
    },
    {
      what: `${name}, mutants that take more than ${SLOW_MS} ms`,
      figure: `${slow} of ${count}, the slowest ${slowestMs.toFixed(3)} ms`,
      bound: '0',
      holds: slow === 0,
    },
  ];
}

function heapFinding(bytes: number): Finding {
  return {
    what: 'growth of the heap and of buffers',
    figure: `${(bytes / 1e6).toFixed(2)} MB`,
    bound: `< ${HEAP_GROWTH_BYTES_MAX / 1e6} MB`,
    holds: bytes < HEAP_GROWTH_BYTES_MAX,
  };
}
