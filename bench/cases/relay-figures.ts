import type { Percentiles, TrafficResult } from '../load/protocol.ts';
import { rounded } from '../measure/statistics.ts';
import type { RelayCase, RelayFigures } from '../report-data.ts';
import type { RoundResults } from './round-results.ts';

/** From here on somebody is busy all the time, percent of it. */
export const GENERATOR_LIMIT_PERCENT = 95;

/** A server that loses so much cannot do more, whatever the CPU time says. */
const SERVER_LIMIT_LOSS_PERCENT = 1;

const PERCENTILES = ['p50', 'p99', 'p999'] as const;
const LATENCY_DIGITS = 1;
const RATIO_DIGITS = 3;

type Results = RoundResults<TrafficResult>;

/**
 * The figures of a server that has results in a case: medians of the rounds.
 *
 * @param direct - latency of the same load without a server, where it was measured.
 */
export function relayFigures(
  relayCase: RelayCase,
  server: string,
  results: Results,
  direct: Percentiles | undefined,
): RelayFigures {
  const of = (figure: (result: TrafficResult) => number, digits: number): number =>
    rounded(results.median(server, figure), digits);
  const lossPercent = of(({ sent, received }) => (1 - received / sent) * 100, 3);
  const serverPercent = of(({ cpu, seconds }) => cpu.busiestMicroseconds / seconds / 10_000, 0);
  const generatorPercent = of(({ generatorBusyShare }) => generatorBusyShare * 100, 0);
  const added = direct === undefined ? undefined : addedLatencies(server, results, direct);
  return {
    case: relayCase,
    server,
    rounds: results.rounds(server),
    receivedPerSecond: of(({ received, seconds }) => received / seconds, 0),
    lossPercent,
    cpuMicrosecondsPerPacket: of(cpuPerPacket, 3),
    cpuRatios: roundedRatios(results.ratios(server, cpuPerPacket)),
    userPercent: of(({ cpu }) => cpu.busiestUserShare * 100, 1),
    userMicrosecondsPerPacket: of(
      ({ cpu, received }) => (cpu.busiestMicroseconds * cpu.busiestUserShare) / received,
      3,
    ),
    reordered: of(({ reordered }) => reordered, 0),
    latency:
      relayCase.packetsPerSecond === null
        ? null
        : medianPercentiles(server, results, ({ latency }) => latency),
    addedLatency: added?.latency ?? null,
    addedLatencyRatios: added?.ratios ?? {},
    serverPercent,
    generatorPercent,
    isGeneratorLimit:
      generatorPercent >= GENERATOR_LIMIT_PERCENT &&
      serverPercent < GENERATOR_LIMIT_PERCENT &&
      lossPercent < SERVER_LIMIT_LOSS_PERCENT,
    generatorLateness: medianPercentiles(server, results, ({ lateness }) => lateness),
  };
}

function cpuPerPacket({ cpu, received }: TrafficResult): number {
  return cpu.microseconds / received;
}

function medianPercentiles(
  server: string,
  results: Results,
  figure: (result: TrafficResult) => Percentiles | null,
): Percentiles | null {
  return percentiles((percentile) => {
    const value = results.median(server, (result) => figure(result)?.[percentile] ?? NaN);
    return rounded(value, LATENCY_DIGITS);
  });
}

function addedLatencies(
  server: string,
  results: Results,
  direct: Percentiles,
): { latency: Percentiles | null; ratios: Record<string, Percentiles> } {
  const added =
    (percentile: keyof Percentiles) =>
    ({ latency }: TrafficResult): number =>
      latency === null ? NaN : latency[percentile] - direct[percentile];
  const ratios = {
    p50: results.ratios(server, added('p50')),
    p99: results.ratios(server, added('p99')),
    p999: results.ratios(server, added('p999')),
  };
  return {
    latency: percentiles((percentile) =>
      rounded(results.median(server, added(percentile)), LATENCY_DIGITS),
    ),
    ratios: Object.fromEntries(
      Object.keys(ratios.p50).flatMap((other) => {
        const all = percentiles((percentile) =>
          rounded(ratios[percentile][other] ?? NaN, RATIO_DIGITS),
        );
        return all === null ? [] : [[other, all]];
      }),
    ),
  };
}

/** Null unless all three are numbers. */
function percentiles(of: (percentile: keyof Percentiles) => number): Percentiles | null {
  const [p50, p99, p999] = PERCENTILES.map(of) as [number, number, number];
  return [p50, p99, p999].some(Number.isNaN) ? null : { p50, p99, p999 };
}

/** As many digits as a ratio is worth. */
export function roundedRatios(ratios: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(ratios).map(([name, ratio]) => [name, rounded(ratio, RATIO_DIGITS)]),
  );
}
