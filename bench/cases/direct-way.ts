import type { TrafficResult } from '../load/protocol.ts';
import type { RelayCase } from '../report-data.ts';
import type { Conditions } from './block-run.ts';
import { ABOUT, type Durations } from './durations.ts';
import { orderOf } from './order.ts';
import { undisturbed } from './undisturbed.ts';

/** One case of each load whose latency is measured: paced datagrams. */
export function directCases(cases: readonly RelayCase[]): RelayCase[] {
  const byLoad = new Map(
    cases
      .filter(({ transport, packetsPerSecond }) => transport === 'udp' && packetsPerSecond !== null)
      .toReversed()
      .map((relayCase) => [loadKey(relayCase), relayCase]),
  );
  return [...byLoad.values()].toReversed();
}

/** True when clients and peer exchange the same packets in both cases. */
export function isSameLoad(one: RelayCase, other: RelayCase): boolean {
  return one.transport === other.transport && loadKey(one) === loadKey(other);
}

/** About how long it takes, seconds. */
export function directSeconds(durations: Durations): number {
  return durations.warmUp + durations.measured + 2 * ABOUT.silence;
}

/** Has clients and peer send to each other what a case has them send through a server. */
export async function runDirect(
  relayCase: RelayCase,
  { surroundings, durations, seed }: Conditions,
): Promise<TrafficResult> {
  const { generator } = surroundings;
  await generator.open(relayCase.clients, 'udp');
  const order = {
    ...orderOf(relayCase, relayCase, seed),
    isDirect: true,
    serverPid: generator.pid,
  };
  await generator.traffic({ ...order, seconds: durations.warmUp });
  return undisturbed(() => generator.traffic({ ...order, seconds: durations.measured }));
}

function loadKey(relayCase: RelayCase): string {
  const { direction, clients, payloadBytes, burst, packetsPerSecond } = relayCase;
  return [direction, clients, payloadBytes, burst, packetsPerSecond].join(' ');
}
