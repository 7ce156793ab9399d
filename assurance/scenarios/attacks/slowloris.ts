import { percentile } from '../../../bench/measure/statistics.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { attackNetwork, missingNetwork } from '../../support/attack-network.ts';
import { startTarget, TARGET } from '../../support/attacked-gateway.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { atLeast, atMost } from '../../support/findings.ts';
import { MemoryWatch } from '../../support/memory-watch.ts';
import type { SlowClientsApi } from '../../support/parties/slow-clients.ts';
import { RemoteProcess } from '../../support/remote-process.ts';

const SLOW = 2000;
const HALF_HANDSHAKES = 500;
const NEWCOMERS = 200;
const WARMING_NEWCOMERS = 40;
const GROWTH_MEGABYTES_MAX = 64;
const CONNECT_MS_MAX = 2000;
const REAPED_SECONDS_MAX = 15;
const WATCH_SECONDS = 40;

/** Whoever says nothing, or little, does not keep others away. */
export const slowloris: Scenario = {
  name: 'slowloris',
  promise: 'thousands of connections that send next to nothing cost little and are closed soon',
  missing: missingNetwork,
  run: ({ progress }) =>
    Cleanup.around(async (cleanup) => {
      const gateway = await startTarget();
      cleanup.teardown(() => gateway.stop());
      const clients = new RemoteProcess<SlowClientsApi>(
        new URL('../../support/parties/slow-clients.ts', import.meta.url),
        attackNetwork().others,
      );
      cleanup.teardown(() => clients.stop());
      const { host, port, tlsPort } = TARGET;
      const comers = { host, tlsPort };
      const control = await clients.call('newcomers', { ...comers, count: WARMING_NEWCOMERS });
      const memory = new MemoryWatch(gateway.child.pid, cleanup);
      progress('connections open');
      const connected = await clients.call('open', {
        host,
        tcpPort: port,
        tlsPort,
        slow: SLOW,
        halfHandshakes: HALF_HANDSHAKES,
      });
      const times = await clients.call('newcomers', { ...comers, count: NEWCOMERS });
      const end = await clients.call('awaitEnd', WATCH_SECONDS);
      const growth = memory.stop() / 2 ** 20;
      return [
        atLeast('connections at once', connected, SLOW + HALF_HANDSHAKES),
        newcomersFinding(times, control),
        atMost('resident memory, growth at most', growth, GROWTH_MEGABYTES_MAX, 'MB'),
        reaped(end),
      ];
    }),
};

function newcomersFinding(times: readonly number[], control: readonly number[]): Finding {
  const [during, before] = [percentile(times, 0.99), percentile(control, 0.99)];
  const text = `${during.toFixed(0)} ms (${before.toFixed(0)} ms without them)`;
  const what = 'p99 until a new TLS client is answered';
  return atMost(what, during, CONNECT_MS_MAX, { unit: 'ms', text });
}

function reaped({ left, seconds }: { readonly left: number; readonly seconds: number }): Finding {
  const text = left === 0 ? `${seconds.toFixed(1)} s` : `${left} are open after ${seconds} s`;
  const style = { unit: 's', text };
  const finding = atMost('time until all are closed', seconds, REAPED_SECONDS_MAX, style);
  return { ...finding, holds: finding.holds && left === 0 };
}
