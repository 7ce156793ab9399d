import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Network } from './report-data.ts';
import { ROOT } from './root.ts';

/** Groups of cases, in the order in which they are measured. */
export const GROUPS = [
  'paced',
  'saturated',
  'bursts',
  'streams',
  'matrix',
  'scale',
  'highest',
  'memory',
  'garbage',
] as const;

/** A group of cases. */
export type Group = (typeof GROUPS)[number];

/** What a run of the bench is asked for. */
export interface Options {
  readonly isQuick: boolean;
  readonly rounds: number;
  readonly groups: readonly Group[];
  /** Leaves out whatever no goal of the report looks at. */
  readonly isForGoals: boolean;
  /** Relay cases have this text in their names. */
  readonly nameFilter: string;
  /** Names of servers; undefined means all. */
  readonly servers: readonly string[] | undefined;
  /** More servers as `KIND=PATH`. */
  readonly added: readonly string[];
  readonly network: Network;
  readonly seed: number;
  /** The JSON file to write. */
  readonly output: string;
}

const ALL = 'all';
const HEADLINES: readonly Group[] = ['paced', 'saturated', 'bursts'];
const NETWORKS: readonly Network[] = ['loopback', 'veth'];
const ROUNDS = 5;
const SEED = 20_261;

/** Reads the command line; throws an Error that says what is wrong with it. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      groups: { type: 'string' },
      goals: { type: 'boolean', default: false },
      cases: { type: 'string', default: '' },
      servers: { type: 'string' },
      add: { type: 'string', multiple: true, default: [] },
      network: { type: 'string', default: 'loopback' },
      seed: { type: 'string', default: String(SEED) },
      output: { type: 'string', default: join(ROOT, 'bench/results/latest.json') },
    },
  });
  return {
    isQuick: values.quick,
    rounds: values.rounds === undefined ? (values.quick ? 1 : ROUNDS) : integer(values.rounds, 1),
    groups: readGroups(values.groups ?? (values.goals ? ALL : HEADLINES.join(','))),
    isForGoals: values.goals,
    nameFilter: values.cases,
    servers: values.servers?.split(','),
    added: values.add,
    network: oneOf(NETWORKS, values.network),
    seed: integer(values.seed, 0),
    output: values.output,
  };
}

function readGroups(text: string): readonly Group[] {
  return text === ALL ? GROUPS : text.split(',').map((name) => oneOf(GROUPS, name));
}

function oneOf<T extends string>(known: readonly T[], text: string): T {
  const found = known.find((name) => name === text);
  if (found !== undefined) return found;
  throw new Error(`there is no ${text}: take one of ${known.join(', ')}`);
}

function integer(text: string, min: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new Error(`${text} is not an integer from ${min} on`);
}
