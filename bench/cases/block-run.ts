import type { TrafficOrder } from '../load/protocol.ts';
import { GeneratorEnded, type GeneratorProcess } from '../measure/generator-process.ts';
import { RunningServer, type Surroundings } from '../measure/running-server.ts';
import type { RelayCase } from '../report-data.ts';
import type { MeasuredServer } from '../servers/server.ts';
import type { Block } from './block.ts';
import { setUpClients } from './clients.ts';
import { ABOUT, durationsOf, type Durations } from './durations.ts';
import { orderOf } from './order.ts';

/** Something that is found out about a server that runs, with clients that are set up and warm. */
export interface Measurement<T> {
  /** About how long it takes, seconds. */
  readonly seconds: (durations: Durations) => number;
  readonly run: (
    generator: GeneratorProcess,
    order: Omit<TrafficOrder, 'seconds'>,
    durations: Durations,
  ) => Promise<T>;
}

/** What all measurements of a run have in common. */
export interface Conditions {
  readonly surroundings: Surroundings;
  readonly durations: Durations;
  readonly seed: number;
}

/** About how long a block takes with one server, seconds. */
export function blockSeconds<T>(
  { cases }: Block,
  { seconds }: Measurement<T>,
  durations: Durations,
): number {
  const allocations = Math.max(...cases.map((relayCase) => relayCase.allocations));
  const setUp = ABOUT.start + allocations / ABOUT.allocationsPerSecond;
  const warmUp = warmUps(cases, durations).reduce((sum, each) => sum + each + ABOUT.silence, 0);
  const measured = cases.map(({ group }) => seconds(durationsOf(group, durations)));
  return setUp + warmUp + measured.reduce((sum, each) => sum + each, 0);
}

/**
 * Starts a server and puts it under every load of a block; throws when it does not start.
 *
 * @param take - takes what came out of a case: a result, or why there is none.
 */
export async function runBlock<T>(
  server: MeasuredServer,
  { wishes, cases }: Block,
  measurement: Measurement<T>,
  { surroundings, durations, seed }: Conditions,
  take: (relayCase: RelayCase, result: T | Error) => void,
): Promise<void> {
  const { generator } = surroundings;
  const running = await RunningServer.start(server, wishes, surroundings);
  try {
    const warmUpSeconds = warmUps(cases, durations);
    let previous: RelayCase | undefined;
    for (const [index, relayCase] of cases.entries()) {
      try {
        await setUpClients(generator, relayCase, previous);
        previous = relayCase;
        const order = { ...orderOf(relayCase, server, seed), serverPid: running.pid };
        await generator.traffic({ ...order, seconds: warmUpSeconds[index]! });
        const own = durationsOf(relayCase.group, durations);
        take(relayCase, await measurement.run(generator, order, own));
      } catch (error) {
        previous = undefined;
        if (error instanceof GeneratorEnded) throw error;
        running.expectAlive();
        take(relayCase, error instanceof Error ? error : new Error(String(error)));
      }
    }
  } finally {
    await running.stop();
  }
}

/** How long a server is warmed up before each case: long before the first one that takes another path through it. */
function warmUps(cases: readonly RelayCase[], { firstWarmUp, warmUp }: Durations): number[] {
  const known = new Set<string>();
  return cases.map(({ transport, allocations, framing, direction, burst }) => {
    const path = [transport, allocations, framing, direction, burst].join(' ');
    if (known.has(path)) return warmUp;
    known.add(path);
    return firstWarmUp;
  });
}
