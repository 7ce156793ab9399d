import type { TrafficResult } from '../load/protocol.ts';
import { rounded } from '../measure/statistics.ts';
import type { HighestRateFigures, RelayCase } from '../report-data.ts';
import { bisect, type Outcome } from './bisection.ts';
import type { Measurement } from './block-run.ts';
import { ABOUT } from './durations.ts';
import { roundedRatios } from './relay-figures.ts';
import { undisturbed } from './undisturbed.ts';
import type { RoundResults } from './round-results.ts';

/** What one search came to. */
export interface HighestRate {
  readonly packetsPerSecond: number;
  readonly isGeneratorLimit: boolean;
}

/** A rate is kept when no more is lost, percent. */
const LOSS_PERCENT_MAX = 0.1;
/** The generator was able to send a rate when it sent so much of it. */
const SENT_SHARE_MIN = 0.98;
/** Rates that are tried: each 2.5 % above the one before. */
const GRID = Array.from({ length: 127 }, (_, index) => Math.round(20_000 * 1.025 ** index));
/** Halving 127 rates takes so many trials. */
const TRIALS = 7;

/** Looks for the highest rate by halving, since a server that keeps one keeps all below it. */
export const HIGHEST_RATE: Measurement<HighestRate> = {
  // Every other trial fails and is made twice.
  seconds: ({ probe }) => TRIALS * 1.5 * (probe + ABOUT.silence),
  run: (generator, order, { probe: seconds }) =>
    findHighest(seconds, (packetsPerSecond) =>
      undisturbed(() => generator.traffic({ ...order, packetsPerSecond, seconds })),
    ),
};

/** The medians of what was found for a server. */
export function highestRateFigures(
  relayCase: RelayCase,
  server: string,
  results: RoundResults<HighestRate>,
): HighestRateFigures {
  const rateOf = ({ packetsPerSecond }: HighestRate): number => packetsPerSecond;
  return {
    case: relayCase,
    server,
    rounds: results.rounds(server),
    lossPercentMax: LOSS_PERCENT_MAX,
    packetsPerSecond: rounded(results.median(server, rateOf), 0),
    rateRatios: roundedRatios(results.ratios(server, rateOf)),
    isGeneratorLimit:
      results.median(server, ({ isGeneratorLimit }) => Number(isGeneratorLimit)) >= 0.5,
  };
}

async function findHighest(
  seconds: number,
  traffic: (packetsPerSecond: number) => Promise<TrafficResult>,
): Promise<HighestRate> {
  const attempt = async (index: number): Promise<Outcome> => {
    const packetsPerSecond = GRID[index]!;
    return outcomeOf(await traffic(packetsPerSecond), packetsPerSecond * seconds);
  };
  const { index, isGeneratorLimit } = await bisect(GRID.length, async (tried) => {
    const outcome = await attempt(tried);
    // Losing once may be somebody else's doing: a machine that stands still for some milliseconds.
    return outcome === 'lost' ? attempt(tried) : outcome;
  });
  return { packetsPerSecond: GRID[index] ?? 0, isGeneratorLimit };
}

function outcomeOf({ sent, received }: TrafficResult, wanted: number): Outcome {
  if ((1 - received / sent) * 100 > LOSS_PERCENT_MAX) return 'lost';
  return sent < wanted * SENT_SHARE_MIN ? 'generatorLimit' : 'kept';
}
