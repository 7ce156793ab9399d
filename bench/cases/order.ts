import type { TrafficOrder } from '../load/protocol.ts';
import type { RelayCase } from '../report-data.ts';
import type { MeasuredServer } from '../servers/server.ts';

/** A case as the generator is told to run it. */
export function orderOf(
  relayCase: RelayCase,
  { framing }: Pick<MeasuredServer, 'framing'>,
  seed: number,
): Omit<TrafficOrder, 'seconds' | 'serverPid'> {
  const { direction, clients, payloadBytes, packetsPerSecond, burst } = relayCase;
  return {
    direction,
    clients,
    framing: relayCase.framing === 'channelData' ? framing : relayCase.framing,
    expected: relayCase.framing,
    payloadBytes,
    packetsPerSecond,
    burst,
    seed,
    isDirect: false,
  };
}
