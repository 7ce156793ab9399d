import type { Transport, TrafficResult } from '../load/protocol.ts';
import type { GeneratorProcess } from '../measure/generator-process.ts';
import { RunningServer } from '../measure/running-server.ts';
import type { MeasuredServer } from '../servers/server.ts';
import type { RelayCase } from './relay-cases.ts';

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
  const results = new Map<RelayCase, TrafficResult>();
  const running = await RunningServer.start(server, streamsOf(cases));
  try {
    let previous: RelayCase | undefined;
    for (const relayCase of cases) {
      const { transport, clients, direction, packetsPerSecond } = relayCase;
      const isSame = transport === previous?.transport && clients === previous.clients;
      if (!isSame) {
        await generator.allocate(clients, transport);
        await generator.bindChannels();
      }
      const order = {
        direction,
        framing: server.framing,
        packetsPerSecond,
        burst: 1,
        serverPid: running.pid,
      };
      const warmUpSeconds = isSame ? WARM_UP_SECONDS : FIRST_WARM_UP_SECONDS;
      await generator.traffic({ ...order, seconds: warmUpSeconds });
      results.set(relayCase, await generator.traffic({ ...order, seconds: MEASURED_SECONDS }));
      previous = relayCase;
    }
    return results;
  } finally {
    await running.stop();
  }
}

function streamsOf(cases: readonly RelayCase[]): Transport[] {
  const transports = new Set(cases.map(({ transport }) => transport));
  transports.delete('udp');
  return [...transports];
}
