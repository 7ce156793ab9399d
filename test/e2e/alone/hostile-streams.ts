import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { METHOD, CLASS } from '../../../src/stun/registry.ts';
import { StunWriter } from '../../../src/stun/message-writer.ts';
import { ephemeralCredential } from '../../support/credentials.ts';
import { openUdpEchoPeer } from '../../support/echo-peer.ts';
import { freePorts } from '../../support/free-ports.ts';
import {
  configurationFor,
  missingBuild,
  startReady,
  type GatewayProcess,
} from '../../support/gateway-process.ts';
import { LOOPBACK_SERVER } from '../../support/server-under-test.ts';
import { TurnClient } from '../../support/turn-client.ts';

const CONNECTIONS_PER_ADDRESS_MAX = 256;
/** Answered with 1.6 times as many bytes, which overflow every socket buffer on the way. */
const BINDINGS_PER_CONNECTION = 600_000;
/** So small that a gateway that keeps what strangers do not read dies of it at once. */
const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=96' };

const skip = missingBuild();
const binding = new StunWriter(new Uint8Array(20))
  .begin(METHOD.BINDING, CLASS.REQUEST, new Uint8Array(12))
  .written();

for (const { mode, flags, connections } of [
  { mode: 'reactor', flags: [], connections: 120 },
  { mode: 'portable', flags: ['--portable'], connections: 12 },
]) {
  t.test(`${mode}: strangers that do not read cost next to nothing`, { skip }, async (t) => {
    const { port, relays } = await openScene(t, flags);
    const bytes = Buffer.concat(Array<Uint8Array>(BINDINGS_PER_CONNECTION / 100).fill(binding));
    const sockets = await Promise.all(
      Array.from({ length: connections }, () => openSocket(t, port)),
    );
    for (const socket of sockets) {
      socket.pause();
      for (let part = 0; part < 100; part++) socket.write(bytes);
    }
    await relays(100);
    for (const socket of sockets) socket.destroy();
    await relays(1);
  });

  t.test(`${mode}: one address has only so many connections`, { skip }, async (t) => {
    const { port, relays } = await openScene(t, flags);
    const sockets = await Promise.all(
      Array.from({ length: CONNECTIONS_PER_ADDRESS_MAX + 10 }, () => openSocket(t, port)),
    );
    const outcomes = await Promise.all(sockets.map(outcomeOf));
    const served = outcomes.filter((outcome) => outcome === 'answered').length;
    // The connection of the live client counts too.
    t.equal(served, CONNECTIONS_PER_ADDRESS_MAX - 1);
    await relays(1);
    sockets.forEach((socket) => socket.destroy());
    await Promise.all(
      sockets.filter(({ closed }) => !closed).map((socket) => once(socket, 'close')),
    );
    // The gateway may hear of the new connection before it hears of the end of the others.
    let outcome = 'closed';
    for (let attempt = 0; attempt < 100 && outcome === 'closed'; attempt++) {
      outcome = await outcomeOf(await openSocket(t, port));
    }
    t.equal(outcome, 'answered', 'closed ones make room');
  });
}

interface Scene {
  readonly port: number;
  /** Sends through a live TCP allocation and waits for the echo, so many times. */
  readonly relays: (count: number) => Promise<void>;
}

async function openScene(t: Test, flags: readonly string[]): Promise<Scene> {
  const port = await freePorts(2);
  const configuration = configurationFor(LOOPBACK_SERVER, port, port + 1);
  const gateway: GatewayProcess = await startReady(
    { ...configuration, relay: { ...configuration.relay, workers: 1 } },
    [...flags],
    SMALL_HEAP,
  );
  t.teardown(() => gateway.stop());
  const peer = await openUdpEchoPeer();
  t.teardown(() => peer.close());
  const client = await TurnClient.open({
    server: { host: '127.0.0.1', port },
    transport: 'tcp',
    credential: ephemeralCredential(LOOPBACK_SERVER.secret, 'alice'),
  });
  t.teardown(() => client.close());
  await client.allocate();
  await client.channelBind(0x4000, peer.address);
  const relays = async (count: number): Promise<void> => {
    for (let sent = 0; sent < count; sent++) {
      client.sendOnChannel(0x4000, Buffer.from(`packet ${sent}`));
      const { data } = await client.receive();
      if (data.toString() !== `packet ${sent}`) t.fail('another packet came back');
    }
    t.pass(`${count} packets of a live allocation came back`);
  };
  await relays(1);
  return { port, relays };
}

async function openSocket(t: Test, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Whether a connection is served or was closed at once. */
function outcomeOf(socket: Socket): Promise<'answered' | 'closed'> {
  socket.write(binding);
  if (socket.closed) return Promise.resolve('closed');
  return new Promise((resolve) => {
    socket.once('data', () => resolve('answered'));
    socket.once('close', () => resolve('closed'));
  });
}
