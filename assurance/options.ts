import { parseArgs } from 'node:util';
import type { Scenario } from './scenario.ts';

/** What a run is asked for. */
export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly isList: boolean;
  readonly scale: number;
  readonly seed: number;
  /** JSON file for what was found; undefined writes none. */
  readonly output: string | undefined;
}

const SEED = 20_261;

/** Reads the command line; throws an Error that says what is wrong with it. */
export function readOptions(args: readonly string[], known: readonly Scenario[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      list: { type: 'boolean', default: false },
      scale: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(SEED) },
      output: { type: 'string' },
    },
  });
  return {
    scenarios: positionals.length === 0 ? known : positionals.map((name) => find(known, name)),
    isList: values.list,
    scale: positive(values.scale),
    seed: Math.trunc(positive(values.seed)),
    output: values.output,
  };
}

function find(known: readonly Scenario[], name: string): Scenario {
  const found = known.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  throw new Error(`there is no ${name}: --list names what there is`);
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`${text} is not a number above 0`);
}
