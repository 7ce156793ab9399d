import type { Direction, TrafficResult } from '../load/protocol.ts';
import type { GeneratorProcess } from '../measure/generator-process.ts';
import { RunningServer } from '../measure/running-server.ts';
import { median, rounded } from '../measure/statistics.ts';
import type { MeasuredServer } from '../servers/server.ts';
import { RELAY_CLIENTS } from '../settings.ts';

/** A load that every server is put under. */
export interface RelayCase {
  readonly name: string;
  readonly direction: Direction;
  /** Undefined sends as fast as it goes. */
  readonly packetsPerSecond: number | undefined;
}

/** Paced and saturated, in both directions. */
export const RELAY_CASES: readonly RelayCase[] = (['up', 'down'] as const).flatMap((direction) => [
  { name: `${direction} 60 k/s`, direction, packetsPerSecond: 60_000 },
  { name: `${direction} 100 k/s`, direction, packetsPerSecond: 100_000 },
  { name: `${direction} saturated`, direction, packetsPerSecond: undefined },
]);

/** Figures of one case and server, medians over the rounds. */
export interface RelayFigures {
  readonly case: string;
  readonly server: string;
  readonly rounds: number;
  readonly receivedPerSecond: number;
  readonly lossPercent: number;
  /** CPU of all threads of the server per packet received, microseconds. */
  readonly cpuMicrosecondsPerPacket: number;
  /** Share of the busiest thread's CPU time in user space, percent. */
  readonly userPercent: number;
  /** CPU of the busiest thread in user space per packet received, microseconds. */
  readonly userMicrosecondsPerPacket: number;
  readonly reordered: number;
}

/** Results of one round, by case. */
export type RelayRound = ReadonlyMap<RelayCase, TrafficResult>;

const FIRST_WARM_UP_SECONDS = 2;
const WARM_UP_SECONDS = 0.5;
const MEASURED_SECONDS = 3;

/** Starts a server and puts it under every load once. */
export async function runRelayRound(
  server: MeasuredServer,
  cases: readonly RelayCase[],
  generator: GeneratorProcess,
): Promise<RelayRound> {
  const running = await RunningServer.start(server);
  try {
    await generator.allocate(RELAY_CLIENTS);
    await generator.bindChannels();
    const results = new Map<RelayCase, TrafficResult>();
    for (const relayCase of cases) {
      const { direction, packetsPerSecond } = relayCase;
      const order = {
        direction,
        framing: server.framing,
        packetsPerSecond,
        burst: 1,
        serverPid: running.pid,
      };
      const warmUpSeconds = results.size === 0 ? FIRST_WARM_UP_SECONDS : WARM_UP_SECONDS;
      await generator.traffic({ ...order, seconds: warmUpSeconds });
      results.set(relayCase, await generator.traffic({ ...order, seconds: MEASURED_SECONDS }));
    }
    return results;
  } finally {
    await running.stop();
  }
}

/** Takes the medians of what a server did in one case. */
export function relayFigures(
  relayCase: RelayCase,
  server: MeasuredServer,
  rounds: readonly RelayRound[],
): RelayFigures {
  const results = rounds.map((round) => round.get(relayCase)!);
  const of = (figure: (result: TrafficResult) => number, digits: number): number =>
    rounded(median(results.map(figure)), digits);
  return {
    case: relayCase.name,
    server: server.name,
    rounds: rounds.length,
    receivedPerSecond: of(({ received, seconds }) => received / seconds, 0),
    lossPercent: of(({ sent, received }) => (1 - received / sent) * 100, 3),
    cpuMicrosecondsPerPacket: of(({ cpu, received }) => cpu.microseconds / received, 2),
    userPercent: of(({ cpu }) => cpu.busiestUserShare * 100, 1),
    userMicrosecondsPerPacket: of(
      ({ cpu, received }) => (cpu.busiestMicroseconds * cpu.busiestUserShare) / received,
      2,
    ),
    reordered: of(({ reordered }) => reordered, 0),
  };
}
