import { networkInterfaces } from 'node:os';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { missingBuild } from '../../../test/support/gateway-process.ts';
import { bytes4, EMBEDDINGS } from '../../../test/support/ipv4-embeddings.ts';
import { OperatedGateway, type OperatedPorts } from '../../../test/support/operated-gateway.ts';
import { LOOPBACK_SERVER } from '../../../test/support/server-under-test.ts';
import { addressFrom } from '../../../test/support/turn-client.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { PeerAsker } from '../../support/peer-asker.ts';
import { Cleanup } from '../../support/cleanup.ts';

const FORBIDDEN = 403;
const PUBLIC = { listener: '203.0.113.7', port: 43_478, ipv4: '203.0.113.9', ipv6: '2001:db8::9' };
/** Lifts the deny list, so that nothing but being an address of the gateway is in the way. */
const LIFTED_CLUSTER = [
  {
    name: 'peers',
    type: 'STATIC',
    endpoints: ['0.0.0.0/0:1-65535', '[::]/0:1-65535'],
    dangerously_allow: ['0.0.0.0/0', '::/0'],
  },
];

/** The gateway as its own peer. */
export const hairpin: Scenario = {
  name: 'hairpin',
  promise:
    'no address of the gateway is a peer, under no embedding, even when the deny list is lifted',
  missing: missingBuild,
  run: ({ progress }) =>
    Cleanup.around(async (cleanup) => {
      const gateway = await OperatedGateway.start(cleanup, changes, {
        relayAddresses: ['127.0.0.1', '::1'],
      });
      const { secret } = LOOPBACK_SERVER;
      const alice = await PeerAsker.open(
        cleanup,
        gateway.server,
        ephemeralCredential(secret, 'alice'),
      );
      const bob = await PeerAsker.open(cleanup, gateway.server, ephemeralCredential(secret, 'bob'));
      const places = ownPlaces(gateway, [...alice.relayed, ...bob.relayed]);
      progress(`${places.length} addresses and ports of the gateway`);
      return [
        await bindAll(alice, places),
        await sendAll(alice, bob, places),
        await control(alice, gateway),
      ];
    }),
};

interface Place {
  readonly ip: string;
  readonly port: number;
}

function changes({ turn }: OperatedPorts) {
  return {
    admin: { user_quota: 0 },
    listeners: [
      {
        name: 'udp',
        protocol: 'TURN-UDP',
        bind: '127.0.0.1',
        port: turn,
        public_address: PUBLIC.listener,
        public_port: PUBLIC.port,
        routes: ['peers'],
      },
    ],
    relay: {
      addresses: [
        { bind: '127.0.0.1', advertise: PUBLIC.ipv4 },
        { bind: '::1', advertise: PUBLIC.ipv6 },
      ],
    },
    clusters: LIFTED_CLUSTER,
  };
}

/** Every own address with every own port, IPv4 also in every form of IPv6. */
function ownPlaces(
  { ports }: OperatedGateway,
  relayed: readonly { readonly port: number }[],
): Place[] {
  const host = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const ips = [
    ...host.filter(({ scopeid }) => !scopeid).map(({ address }) => address),
    PUBLIC.listener,
    PUBLIC.ipv4,
    PUBLIC.ipv6,
  ];
  const embedded = ips
    .filter((ip) => !ip.includes(':'))
    .flatMap((ip) => Object.values(EMBEDDINGS).map((embed) => embed(bytes4(ip))));
  const ownPorts = [...Object.values(ports), PUBLIC.port, ...relayed.map(({ port }) => port)];
  return [...new Set([...ips, ...embedded])].flatMap((ip) =>
    ownPorts.map((port) => ({ ip, port })),
  );
}

async function bindAll(alice: PeerAsker, places: readonly Place[]): Promise<Finding> {
  const odd: string[] = [];
  for (const { ip, port } of places) {
    const { channelBind } = await alice.ask(ip, port);
    if (channelBind !== FORBIDDEN) odd.push(`${ip} port ${port}: ${channelBind}`);
  }
  return {
    what: 'channels to addresses of the gateway',
    figure:
      `${odd.length} of ${places.length} not refused with 403 ${odd.slice(0, 5).join('; ')}`.trim(),
    bound: '0',
    holds: odd.length === 0,
  };
}

/** Permissions are for addresses without ports: what a client then sends has to be judged again. */
async function sendAll(
  alice: PeerAsker,
  bob: PeerAsker,
  places: readonly Place[],
): Promise<Finding> {
  let arrived = 0;
  for (const client of [alice.ipv4, alice.ipv6, bob.ipv4, bob.ipv6]) {
    client.onData = () => void arrived++;
  }
  await bob.ipv4.createPermission(addressFrom('127.0.0.1', 0), addressFrom(PUBLIC.ipv4, 0));
  await bob.ipv6.createPermission(addressFrom('::1', 0), addressFrom(PUBLIC.ipv6, 0));
  for (const { ip, port } of places) {
    const peer = addressFrom(ip, port);
    alice.clientFor(peer).send(peer, bindingRequest());
  }
  // A request is answered after whatever was sent before it.
  for (const { ipv4, ipv6 } of [alice, bob])
    await Promise.all([ipv4.refresh(600), ipv6.refresh(600)]);
  return {
    what: 'Send indications to addresses of the gateway',
    figure: `${arrived} answered or delivered, of ${places.length}`,
    bound: '0',
    holds: arrived === 0,
  };
}

/** The way that all of these took is open: an address of the same host that is not of the gateway is reached. */
async function control(alice: PeerAsker, { peer }: OperatedGateway): Promise<Finding> {
  let arrived = 0;
  alice.ipv4.onData = () => void arrived++;
  const { channelBind } = await alice.ask('127.0.0.1', peer.address.port);
  alice.ipv4.send(peer.address, Buffer.from('control'));
  await alice.ipv4.refresh(600);
  await alice.ipv4.binding();
  return {
    what: 'another port of the same host, for comparison',
    figure: `channel answered ${channelBind}, ${peer.arrived} datagrams at the peer`,
    bound: '0 and 1',
    holds: channelBind === 0 && peer.arrived === 1 && arrived <= 1,
  };
}

/** What a listener would answer. */
function bindingRequest(): Uint8Array {
  const message = new Uint8Array(20);
  message.set([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
  return message;
}
