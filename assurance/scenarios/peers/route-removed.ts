import { setTimeout as pause } from 'node:timers/promises';
import type { TransportAddress } from '../../../src/stun/transport-address.ts';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { missingBuild } from '../../../test/support/gateway-process.ts';
import { OperatedGateway, type Sections } from '../../../test/support/operated-gateway.ts';
import { RelayLoad } from '../../../test/support/relay-load.ts';
import { LOOPBACK_SERVER } from '../../../test/support/server-under-test.ts';
import { TurnClient } from '../../../test/support/turn-client.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';

const CLIENTS = 20;
const PACKETS_PER_SECOND = 50;
const SEND_INTERVAL_MS = 10;
/** Within so long after the reload the route has to be gone. */
const GRACE_MS = 1000;
const BEFORE_MS = 2000;
const AFTER_MS = 5000;

/** Ways in which a route goes away. */
const REMOVALS: readonly { readonly what: string; readonly changes: Sections }[] = [
  {
    what: 'the cluster lost its endpoint',
    changes: { clusters: [{ name: 'peers', type: 'STATIC', endpoints: ['192.0.2.1:5000'] }] },
  },
  {
    what: 'the cluster lost its exception',
    changes: { clusters: [{ name: 'peers', type: 'STATIC', endpoints: ['127.0.0.1:1-60999'] }] },
  },
  {
    what: 'the cluster lost its ports',
    changes: {
      clusters: [
        {
          name: 'peers',
          type: 'STATIC',
          endpoints: ['127.0.0.1:1-1'],
          dangerously_allow: ['127.0.0.1'],
        },
      ],
    },
  },
];

/** Routes that go away under live permissions and channels. */
export const routeRemoved: Scenario = {
  name: 'route-removed',
  promise:
    'a second after a reload without a route nothing is relayed over it, in either direction',
  missing: missingBuild,
  run: async ({ scale, progress }) => {
    const findings: Finding[] = [];
    for (const mode of ['reactor', 'portable'] as const) {
      for (const { what, changes } of REMOVALS) {
        progress(`${mode}: ${what}`);
        const finding = await Cleanup.around((cleanup) =>
          remove(cleanup, mode, changes, AFTER_MS * scale),
        );
        findings.push({ ...finding, what: `${what}, ${mode} mode` });
      }
    }
    return findings;
  },
};

async function remove(
  cleanup: Cleanup,
  mode: 'reactor' | 'portable',
  changes: Sections,
  afterMs: number,
): Promise<Omit<Finding, 'what'>> {
  const gateway = await OperatedGateway.start(cleanup, {}, { mode });
  const traffic = await startTraffic(cleanup, gateway);
  await pause(BEFORE_MS);
  await gateway.write(gateway.text(changes));
  const { status } = await gateway.reload();
  await pause(GRACE_MS);
  const before = traffic.counts();
  await pause(afterMs);
  const after = traffic.counts();
  const up = after.atPeer - before.atPeer;
  const down = after.atClients - before.atClients;
  const sent = after.sent - before.sent;
  return {
    figure:
      `${up} of ${sent} datagrams at the backend, ${down} at clients, ` +
      `${before.atPeer} before (reload answered ${status})`,
    bound: '0 and 0, with some before',
    holds: up === 0 && down === 0 && sent > 0 && before.atPeer > 0 && before.atClients > 0,
  };
}

interface Counts {
  readonly atPeer: number;
  readonly atClients: number;
  readonly sent: number;
}

/** Channels, Send indications, and a peer that sends unasked, until the cleanup ends. */
async function startTraffic(
  cleanup: Cleanup,
  gateway: OperatedGateway,
): Promise<{ counts(): Counts }> {
  const { server, peer } = gateway;
  const { secret } = LOOPBACK_SERVER;
  const load = await RelayLoad.open({
    server,
    peer: peer.address,
    clients: CLIENTS,
    packetsPerSecond: PACKETS_PER_SECOND,
    secret,
  });
  cleanup.teardown(() => load.close());
  const client = await TurnClient.open({ server, credential: ephemeralCredential(secret, 'bob') });
  cleanup.teardown(() => client.close());
  let atClients = 0;
  let sent = 0;
  client.onData = () => void atClients++;
  const { relayed } = await client.allocate();
  await client.createPermission(peer.address);
  const timer = setInterval(() => {
    sendBothWays(client, gateway, relayed[0]!);
    sent++;
  }, SEND_INTERVAL_MS);
  cleanup.teardown(() => clearInterval(timer));
  load.start();
  return {
    counts: () => ({
      atPeer: peer.arrived,
      atClients: atClients + load.count.received,
      sent: sent + load.count.sent,
    }),
  };
}

function sendBothWays(
  client: TurnClient,
  { peer }: OperatedGateway,
  relayed: TransportAddress,
): void {
  client.send(peer.address, Buffer.from('by indication'));
  peer.send(relayed, 'unasked');
}
