import type { TrafficResult } from '../load/protocol.ts';
import { median, rounded } from '../measure/statistics.ts';
import type { MeasuredServer } from '../servers/server.ts';
import type { RelayCase } from './relay-cases.ts';
import type { RelayRound } from './relay-round.ts';

/** Figures of one case and server, medians over the rounds. */
export interface RelayFigures {
  readonly case: string;
  readonly server: string;
  readonly rounds: number;
  readonly receivedPerSecond: number;
  readonly lossPercent: number;
  /** CPU of all threads of the server per packet received, microseconds. */
  readonly cpuMicrosecondsPerPacket: number;
  /** The same as a multiple of coturn's in the same round; null when that was not measured. */
  readonly cpuToCoturn: number | null;
  /** Share of the busiest thread's CPU time in user space, percent. */
  readonly userPercent: number;
  /** CPU of the busiest thread in user space per packet received, microseconds. */
  readonly userMicrosecondsPerPacket: number;
  readonly reordered: number;
  /** Share of the time in which the generator had something to do, percent: near 100 it was the limit. */
  readonly generatorPercent: number;
}

/** From here on the generator was the limit, percent. */
export const GENERATOR_LIMIT_PERCENT = 95;

/**
 * Takes the medians of what a server did in one case.
 *
 * @param coturnRounds - those of coturn in the same order, when it takes part.
 */
export function relayFigures(
  relayCase: RelayCase,
  server: MeasuredServer,
  rounds: readonly RelayRound[],
  coturnRounds: readonly RelayRound[] | undefined,
): RelayFigures {
  const results = rounds.map((round) => round.get(relayCase)!);
  const of = (figure: (result: TrafficResult) => number, digits: number): number =>
    rounded(median(results.map(figure)), digits);
  const ratios = coturnRounds?.map(
    (round, index) => cpuPerPacket(results[index]!) / cpuPerPacket(round.get(relayCase)!),
  );
  return {
    case: relayCase.name,
    server: server.name,
    rounds: rounds.length,
    receivedPerSecond: of(({ received, seconds }) => received / seconds, 0),
    lossPercent: of(({ sent, received }) => (1 - received / sent) * 100, 3),
    cpuMicrosecondsPerPacket: of(cpuPerPacket, 2),
    cpuToCoturn: ratios === undefined ? null : rounded(median(ratios), 2),
    userPercent: of(({ cpu }) => cpu.busiestUserShare * 100, 1),
    userMicrosecondsPerPacket: of(
      ({ cpu, received }) => (cpu.busiestMicroseconds * cpu.busiestUserShare) / received,
      2,
    ),
    reordered: of(({ reordered }) => reordered, 0),
    generatorPercent: of(({ generatorBusyShare }) => generatorBusyShare * 100, 0),
  };
}

function cpuPerPacket({ cpu, received }: TrafficResult): number {
  return cpu.microseconds / received;
}
