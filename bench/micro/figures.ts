import { median, rounded } from '../measure/statistics.ts';

/** What one version of a function costs. */
export interface FunctionFigure {
  /** Nanoseconds per call in each round. */
  readonly rounds: readonly number[];
  /** The median of the rounds. */
  readonly nanoseconds: number;
  /** Half the distance from the fastest round to the slowest one, in percent of the median; null for one round. */
  readonly spreadPercent: number | null;
  readonly bytesPerCall: number;
}

/** A function in one or two versions; null where a version does not have it. */
export interface FunctionFigures {
  readonly group: string;
  readonly name: string;
  readonly isPacketPath: boolean;
  readonly older: FunctionFigure | null;
  readonly newer: FunctionFigure | null;
  /** Time of the newer as a multiple of the older one's: the median of the rounds, each by itself. */
  readonly ratio: number | null;
  /** `faster` and `slower` when every round of the newer is so, compared with every round of the older. */
  readonly verdict: 'faster' | 'slower' | 'same' | null;
}

/** Summarises the rounds of one version of a function. */
export function functionFigure(rounds: readonly number[], bytesPerCall: number): FunctionFigure {
  const nanoseconds = median(rounds);
  const spread = (Math.max(...rounds) - Math.min(...rounds)) / 2;
  return {
    rounds: rounds.map((value) => rounded(value, 2)),
    nanoseconds: rounded(nanoseconds, 2),
    spreadPercent: rounds.length > 1 ? rounded((100 * spread) / nanoseconds, 1) : null,
    bytesPerCall: rounded(bytesPerCall, 1),
  };
}

/** Compares two versions of a function, whose rounds took place in turn. */
export function compare(
  older: FunctionFigure | null,
  newer: FunctionFigure | null,
): Pick<FunctionFigures, 'ratio' | 'verdict'> {
  if (older === null || newer === null) return { ratio: null, verdict: null };
  const ratios = newer.rounds.map((value, round) => value / older.rounds[round]!);
  return { ratio: rounded(median(ratios), 3), verdict: verdictOf(older.rounds, newer.rounds) };
}

function verdictOf(older: readonly number[], newer: readonly number[]): FunctionFigures['verdict'] {
  if (older.length === 1) return null;
  if (Math.max(...newer) < Math.min(...older)) return 'faster';
  return Math.min(...newer) > Math.max(...older) ? 'slower' : 'same';
}
