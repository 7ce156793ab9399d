import { setTimeout as pause } from 'node:timers/promises';
import type { TransportAddress } from '../../../src/stun/transport-address.ts';
import { checkSupport } from '../../../src/sys/libc.ts';
import { SeededRandom } from '../../../test/support/core/seeded-random.ts';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { PEER_PORTS, RELAY_PORTS } from '../../../test/support/free-ports.ts';
import { missingBuild } from '../../../test/support/gateway-process.ts';
import { OperatedGateway } from '../../../test/support/operated-gateway.ts';
import { poll } from '../../../test/support/poll.ts';
import { LOOPBACK_SERVER } from '../../../test/support/server-under-test.ts';
import { addressFrom, TurnClient } from '../../../test/support/turn-client.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { DatagramGun } from '../../support/datagram-gun.ts';
import { Cleanup } from '../../support/cleanup.ts';

const DATAGRAMS = 1_000_000;
const CLIENTS = 20;
const CHANNEL = 0x4000;
/** Paced so that they reach the gateway and not only its sockets' buffers. */
const VOLLEY = 1000;
const VOLLEY_MS = 20;
const SEEN_PERCENT_MIN = 90;

/** Datagrams to relay ports from those without permission. */
export const strangers: Scenario = {
  name: 'strangers',
  promise: 'nothing reaches a client from an address or port that it has no permission for',
  missing: () => missingBuild() || (!checkSupport().supported && 'needs system calls'),
  run: ({ scale, seed, progress }) =>
    Cleanup.around(async (cleanup) => {
      const gateway = await startGateway(cleanup);
      const relays: TransportAddress[] = [];
      const received = { count: 0 };
      for (let index = 0; index < CLIENTS; index++) {
        relays.push(await openClient(cleanup, gateway, `alice-${index}`, received));
      }
      const seenBefore = await drops(gateway);
      const guns = openGuns(cleanup);
      const random = new SeededRandom(seed);
      let fired = 0;
      while (fired < DATAGRAMS * scale) {
        const targets = Array.from({ length: VOLLEY }, () => random.pick(relays));
        fired += random.pick(guns).fire(targets);
        if (fired % 100_000 < VOLLEY) progress(`${fired} datagrams`);
        await pause(VOLLEY_MS);
      }
      await settled(gateway);
      const seen = (await drops(gateway)) - seenBefore;
      const forwarded = received.count;
      return [...findings(fired, seen, forwarded), await control(gateway, relays, received)];
    }),
};

function startGateway(cleanup: Cleanup): Promise<OperatedGateway> {
  const cluster = {
    name: 'peers',
    type: 'STATIC',
    endpoints: [`127.0.0.0/8:${PEER_PORTS}`],
    dangerously_allow: ['127.0.0.0/8'],
  };
  return OperatedGateway.start(cleanup, { clusters: [cluster] });
}

/** A client with a permission and a channel for the echo peer; resolves with its relayed address. */
async function openClient(
  cleanup: Cleanup,
  gateway: OperatedGateway,
  user: string,
  received: { count: number },
): Promise<TransportAddress> {
  const credential = ephemeralCredential(LOOPBACK_SERVER.secret, user);
  const client = await TurnClient.open({ server: gateway.server, credential });
  cleanup.teardown(() => client.close());
  client.onData = () => void received.count++;
  const { relayed } = await client.allocate();
  await client.channelBind(CHANNEL, gateway.peer.address);
  return relayed[0]!;
}

/** Addresses without permission, and one with, at ports that no route names. */
function openGuns(cleanup: Cleanup): DatagramGun[] {
  return [
    ...['127.0.0.2', '127.0.0.3', '127.7.7.7', '127.255.255.254'].map((ip) => addressFrom(ip, 0)),
    addressFrom('127.0.0.1', 1023),
    addressFrom('127.0.0.1', 1),
    addressFrom('127.0.0.2', RELAY_PORTS.min),
  ].map((source) => new DatagramGun(cleanup, source));
}

async function drops(gateway: OperatedGateway): Promise<number> {
  const reasons = ['noPermission', 'peerNotAdmitted'];
  const counts = await Promise.all(
    reasons.map((reason) => gateway.metric(`turnpike_drops_total{reason="${reason}"}`)),
  );
  return counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
}

/** Waits until nothing is left in the buffers of the gateway. */
async function settled(gateway: OperatedGateway): Promise<void> {
  let before = -1;
  await poll(
    async () => {
      await pause(VOLLEY_MS * 10);
      const now = await drops(gateway);
      const isSettled = now === before;
      before = now;
      return isSettled;
    },
    (isSettled) => isSettled,
  );
}

function findings(fired: number, seen: number, forwarded: number): Finding[] {
  const percent = (seen / fired) * 100;
  return [
    {
      what: 'datagrams without permission that reached a client',
      figure: `${forwarded} of ${fired}`,
      bound: '0',
      holds: forwarded === 0,
    },
    {
      what: 'of them looked at by the gateway, the rest lost in front of it',
      figure: `${percent.toFixed(2)} %`,
      bound: `>= ${SEEN_PERCENT_MIN} %`,
      holds: percent >= SEEN_PERCENT_MIN,
    },
  ];
}

/** The same clients still hear the peer that they have a permission for. */
async function control(
  { peer }: OperatedGateway,
  relays: readonly TransportAddress[],
  received: { count: number },
): Promise<Finding> {
  received.count = 0;
  for (const relay of relays) peer.send(relay, 'with permission');
  const count = await poll(
    () => received.count,
    (heard) => heard >= relays.length,
  ).catch(() => received.count);
  return {
    what: 'datagrams with permission afterwards',
    figure: `${count} of ${relays.length} delivered`,
    bound: 'all',
    holds: count === relays.length,
  };
}
