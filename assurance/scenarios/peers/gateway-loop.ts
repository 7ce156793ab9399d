import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { BYTES_PER_SECOND_PER_ALLOCATION_DEFAULT } from '../../../src/limits.ts';
import type { TransportAddress } from '../../../src/stun/transport-address.ts';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { freePorts } from '../../../test/support/free-ports.ts';
import { missingBuild, NO_RATES } from '../../../test/support/gateway-process.ts';
import { OperatedGateway } from '../../../test/support/operated-gateway.ts';
import { poll } from '../../../test/support/poll.ts';
import { LOOPBACK_SERVER } from '../../../test/support/server-under-test.ts';
import { addressFrom, TurnClient, TurnError } from '../../../test/support/turn-client.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { MessagePipe } from '../../support/message-pipe.ts';
import { Cleanup } from '../../support/cleanup.ts';

const HOST = '127.0.0.1';
const CHANNEL = 0x4000;
const RELAY_PORTS = 16;
const ATTEMPTS = 20;
const KICKS = 100;
const KICK_BYTES = 200;
const SECONDS_MAX = 30;
const SETTLE_MS = 200;
/** A loop has begun when every datagram that was put in has gone round so often. */
const ROUNDS_MIN = 10;
/** A meter lets through what it has saved up, and samples do not fall on the seconds of a meter. */
const BURSTS = 2;

/** Two gateways, each the client and the peer of the other. */
export const gatewayLoop: Scenario = {
  name: 'gateway-loop',
  promise: 'what goes round between two gateways is bounded and ends by itself (RFC 8656 §21.1.7)',
  missing: missingBuild,
  run: ({ progress }) =>
    Cleanup.around(async (cleanup) => {
      const relayA = await freePorts(2 * RELAY_PORTS);
      const relayB = relayA + RELAY_PORTS;
      const a = await startGateway(cleanup, relayA);
      const b = await startGateway(cleanup, relayB);
      const [socket] = await takePorts(cleanup, relayB);
      const before = await reading(a);
      const entry = await closeLoop(cleanup, a, b, socket!);
      progress('the loop is closed');
      for (let count = 0; count < KICKS; count++) a.peer.send(entry, 'x'.repeat(KICK_BYTES));
      const seconds = await watch(a, before, progress);
      return findings(before, seconds);
    }),
};

interface Reading {
  readonly packets: number;
  readonly bytes: number;
}

/** A gateway that routes to everything on this host and has as few relay ports as it may. */
function startGateway(cleanup: Cleanup, relayMin: number): Promise<OperatedGateway> {
  return OperatedGateway.start(cleanup, {
    relay: { min_port: relayMin, max_port: relayMin + RELAY_PORTS - 1, workers: 1 },
    clusters: [
      {
        name: 'peers',
        type: 'STATIC',
        endpoints: [`${HOST}:1-65535`],
        dangerously_allow: [HOST],
      },
    ],
    limits: {
      ...NO_RATES,
      bytes_per_second_per_allocation: BYTES_PER_SECOND_PER_ALLOCATION_DEFAULT,
    },
  });
}

/** Takes every relay port of a gateway, so that the one that is given back is the one it will use. */
async function takePorts(cleanup: Cleanup, first: number): Promise<Socket[]> {
  const sockets = Array.from({ length: RELAY_PORTS }, () => createSocket('udp4'));
  for (const [index, socket] of sockets.entries()) {
    socket.bind(first + index, HOST);
    await once(socket, 'listening');
    cleanup.teardown(() => socket.close());
  }
  return sockets;
}

/**
 * Makes an allocation on A for the address that B is going to relay from, and through it one on B for the address that
 * A relays from; resolves with the latter. The socket of the attacker is closed while A stands still, just before B
 * takes its port.
 */
async function closeLoop(
  cleanup: Cleanup,
  a: OperatedGateway,
  b: OperatedGateway,
  socket: Socket,
): Promise<TransportAddress> {
  const listenerA = addressFrom(HOST, a.ports.turn);
  const listenerB = addressFrom(HOST, b.ports.turn);
  const outer = await openOver(cleanup, a, overSocket(socket, a));
  const [entry] = (await outer.allocate()).relayed;
  await outer.createPermission(listenerB);
  const tunnel = new MessagePipe((message) => outer.send(listenerB, message));
  outer.onData = (data) => void tunnel.push(Buffer.from(data));
  const inner = await openOver(cleanup, b, tunnel);
  await inner.refresh(600).catch(expectNoAllocation);
  await outer.channelBind(CHANNEL, listenerB);
  a.process.child.signal('SIGSTOP');
  // Nobody is left to hear the answers, and a gateway does not try every port for one request.
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) inner.allocate().catch(() => undefined);
  inner.createPermission(listenerA).catch(() => undefined);
  inner.channelBind(CHANNEL, listenerA).catch(() => undefined);
  await pause(SETTLE_MS);
  socket.close();
  a.process.child.signal('SIGCONT');
  await poll(
    () => b.metric('stunner_allocations_active'),
    (count) => count === 1,
  );
  await pause(SETTLE_MS);
  return entry!;
}

/** The nonce is known now, and that is all that was wanted. */
function expectNoAllocation(error: unknown): void {
  if (!(error instanceof TurnError && error.code === 437)) throw error;
}

function overSocket(socket: Socket, { server }: OperatedGateway): MessagePipe {
  const pipe = new MessagePipe((message) => socket.send(message, server.port, server.host));
  socket.on('message', (message) => void pipe.push(message));
  return pipe;
}

async function openOver(
  cleanup: Cleanup,
  { server }: OperatedGateway,
  connection: MessagePipe,
): Promise<TurnClient> {
  const credential = ephemeralCredential(LOOPBACK_SERVER.secret, 'mallory');
  const client = await TurnClient.open({ server, connection, credential });
  cleanup.teardown(() => client.close());
  return client;
}

async function reading(gateway: OperatedGateway): Promise<Reading> {
  const of = async (unit: string): Promise<number> =>
    (await gateway.metric(`stunner_cluster_${unit}_total{name="peers",direction="rx"}`)) ?? 0;
  return { packets: await of('packets'), bytes: await of('bytes') };
}

/** What was read every second until nothing moved any more. */
async function watch(
  gateway: OperatedGateway,
  before: Reading,
  progress: (line: string) => void,
): Promise<Reading[]> {
  const readings = [before];
  while (readings.length <= SECONDS_MAX) {
    await pause(1000);
    const now = await reading(gateway);
    progress(`${now.packets} packets, ${now.bytes} bytes`);
    readings.push(now);
    if (readings.at(-2)!.packets === now.packets && now.packets > before.packets) break;
  }
  return readings;
}

function findings(before: Reading, readings: readonly Reading[]): Finding[] {
  const perSecond = readings.slice(1).map(({ bytes }, index) => bytes - readings[index]!.bytes);
  const busiest = Math.max(...perSecond);
  const bound = BURSTS * BYTES_PER_SECOND_PER_ALLOCATION_DEFAULT;
  const packets = readings.at(-1)!.packets - before.packets;
  return [
    {
      what: 'a loop between two gateways, for comparison',
      figure: `${packets} packets relayed of ${KICKS} put in`,
      bound: `>= ${ROUNDS_MIN * KICKS}: it is one`,
      holds: packets >= ROUNDS_MIN * KICKS,
    },
    {
      what: 'bytes relayed in its busiest second',
      figure: `${busiest}`,
      bound: `<= ${bound}`,
      holds: busiest <= bound,
    },
    {
      what: 'seconds until nothing goes round any more',
      figure: perSecond.at(-1) === 0 ? `${perSecond.length - 1}` : 'never',
      bound: `<= ${SECONDS_MAX}`,
      holds: perSecond.at(-1) === 0,
    },
  ];
}
