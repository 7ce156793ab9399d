import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { residentBytes } from '../../../bench/measure/process-times.ts';
import { missingTool } from '../../support/child-process.ts';
import { relayFault, runUclient, startEchoPeers } from '../../support/coturn-tools.ts';
import { DatagramProxy } from '../../support/datagram-proxy.ts';
import { dtlsHello, dtlsHelloWithCookie } from '../../support/dtls-hello.ts';
import { ephemeralCredential } from '../../support/credentials.ts';
import { missingBuild } from '../../support/gateway-process.ts';
import { openDescriptors } from '../../support/process-usage.ts';
import { startSecureGateway } from '../../support/secure-gateway.ts';
import { LOOPBACK_SERVER } from '../../support/server-under-test.ts';
import { TurnClient } from '../../support/turn-client.ts';
import type { ServerAddress } from '../../support/turn-transport.ts';

const skip = missingBuild();
const CREDENTIAL = ephemeralCredential(LOOPBACK_SERVER.secret, 'alice');
const GENERATED = { certificate: 'generated' };
const TLS = { protocol: 'TURN-TLS', tls: GENERATED } as const;
const DTLS = { protocol: 'TURN-DTLS', tls: GENERATED } as const;

const HELLOS = 10_000;
const WARMING_FLOODS = 1;
/** So many turns of the event loop are waited for answers. */
const ANSWER_TURNS = 200;
const HELLO_GROWTH_BYTES_MAX = 2 * 1024 * 1024;
const CONNECTIONS = Number(process.env['TURNPIKE_TEST_CONNECTIONS'] ?? 10_000);
const CONNECTION_GROWTH_BYTES_MAX = 8 * 1024 * 1024;
const PARALLEL = 50;

// The first three wait for a long time, each with a gateway of its own; the others run alone.
t.jobs = 3;

t.test('hellos from 10,000 sources leave nothing behind', { skip }, async (t) => {
  const gateway = await startSecureGateway(t, { listeners: { dtls: DTLS } });
  const server = gateway.server('dtls');
  const { pid } = gateway.process.child;
  // The first ones compile the code and stretch the heap, for good.
  for (let flood = 0; flood < WARMING_FLOODS; flood++) await sendHellos(server, HELLOS);
  const before = residentBytes(pid);
  const answers = await sendHellos(server, HELLOS);
  const growth = residentBytes(pid) - before;
  t.comment(`${answers.count} answers, ${answers.bytesMax} bytes each, ${growth} bytes more`);
  t.ok(growth <= HELLO_GROWTH_BYTES_MAX, `${growth} bytes`);
  t.ok(answers.count > HELLOS / 2, 'they are answered');
  t.ok(answers.bytesMax < dtlsHello().length, 'and nothing is amplified');
});

t.test('2,000 idle connections and 500 half handshakes are closed', { skip }, async (t) => {
  const gateway = await startSecureGateway(t, { listeners: { tls: TLS } });
  const server = gateway.server('tls');
  const idle = await openMany(t, server, 2000);
  const half = await openMany(t, server, 500);
  // The beginning of a ClientHello, and the promise of more.
  for (const socket of half) socket.write(Buffer.from('1603010200010001fc0303', 'hex'));
  const startedAt = performance.now();
  const client = await turnClient(t, server);
  await client.allocate();
  t.comment(`a new client is served after ${Math.round(performance.now() - startedAt)} ms`);
  await Promise.all([...idle, ...half].map(closed));
  t.comment(`all are closed after ${Math.round((performance.now() - startedAt) / 1000)} s`);
  await t.resolves(client.binding(), 'the new client is not');
});

t.test('connections opened and closed give everything back', { skip }, async (t) => {
  const gateway = await startSecureGateway(t, { listeners: { tls: TLS } });
  const server = gateway.server('tls');
  const { pid } = gateway.process.child;
  await openAndClose(server, CONNECTIONS / 2);
  const before = { memory: residentBytes(pid), descriptors: openDescriptors(pid) };
  await openAndClose(server, CONNECTIONS / 2);
  const growth = residentBytes(pid) - before.memory;
  t.comment(`${growth} bytes more after the second half of ${CONNECTIONS}`);
  t.ok(growth <= CONNECTION_GROWTH_BYTES_MAX, `${growth} bytes`);
  // The gateway may hear of the last ends a little later.
  for (let turn = 0; turn < 1000 && openDescriptors(pid) > before.descriptors; turn++) {
    await (await turnClient(t, server)).close();
  }
  t.ok(openDescriptors(pid) <= before.descriptors, `${openDescriptors(pid)} descriptors`);
});

t.test(
  'forged hellos, alerts and nonsense do not disturb a live association',
  { skip: skip || missingTool('turnutils_uclient', 'turnutils_peer'), buffered: false },
  async (t) => {
    const gateway = await startSecureGateway(t, { listeners: { dtls: DTLS } });
    const peers = await startEchoPeers(['127.0.0.1']);
    t.teardown(() => peers.stop());
    const proxy = await DatagramProxy.open(gateway.server('dtls'));
    t.teardown(() => proxy.close());
    const forged = [
      dtlsHello(),
      dtlsHelloWithCookie(Buffer.alloc(16, 7)),
      dtlsHelloWithCookie(Buffer.alloc(32, 7)),
      // A fatal alert, without protection and with a wrong one.
      Buffer.from('15fefd000000000000000500020228', 'hex'),
      Buffer.from(`15fefd0001000000000005001a${'ab'.repeat(26)}`, 'hex'),
      // Application data with a wrong protection.
      Buffer.from(`17fefd000100000000ffff0040${'cd'.repeat(64)}`, 'hex'),
      Buffer.from(`16fefd00000000000000070020${'00'.repeat(32)}`, 'hex'),
    ];
    let injected = 0;
    // uclient makes an association for each of its clients; the last one is what relays.
    const timer = setInterval(() => {
      for (const datagram of forged) proxy.inject(datagram);
      injected += forged.length;
    }, 5);
    t.teardown(() => clearInterval(timer));
    const flags = ['-S', '-e', '127.0.0.1', '-r', `${peers.port}`, '-n', '100', '-z', '10', '-c'];
    const result = await runUclient(
      { port: proxy.address.port, secret: gateway.secret },
      flags,
      60_000,
    );
    t.equal(relayFault(result), undefined, result.output);
    t.ok(injected > 500, `${injected} datagrams were injected`);
  },
);

for (const mode of ['reactor', 'portable'] as const) {
  t.test(`${mode}: so many handshakes per second`, { skip, buffered: false }, async (t) => {
    const limits = { handshakes_per_second_per_address: 5 };
    const gateway = await startSecureGateway(t, {
      mode,
      listeners: { tls: TLS },
      changes: { limits },
    });
    const server = gateway.server('tls');
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, () => handshake(server, '127.0.0.1')),
    );
    const done = outcomes.filter((outcome) => outcome === 'done').length;
    t.ok(done >= 5 && done < 30, `${done} of 30`);
    await gateway.recorded('connection refused', { reason: 'tooManyHandshakes' });
    t.equal(await handshake(server, '127.0.0.2'), 'done', 'another address is not affected');
  });

  t.test(`${mode}: so many connections of one address`, { skip, buffered: false }, async (t) => {
    const limits = { connections_per_address_max: 10, handshakes_per_second_per_address: 1000 };
    const gateway = await startSecureGateway(t, {
      mode,
      listeners: { tls: TLS },
      changes: { limits },
    });
    const server = gateway.server('tls');
    const sockets = await Promise.all(
      Array.from({ length: 15 }, () => openSecure(server, '127.0.0.1')),
    );
    t.teardown(() => sockets.forEach((socket) => socket?.destroy()));
    t.equal(sockets.filter((socket) => socket !== undefined).length, 10);
    await gateway.recorded('connection refused', { reason: 'tooManyConnections' });
    t.equal(await handshake(server, '127.0.0.2'), 'done', 'another address is not affected');
  });
}

/** Sends hellos from so many sources, each an address and port of its own. */
async function sendHellos(
  { host, port }: ServerAddress,
  count: number,
): Promise<{ readonly count: number; readonly bytesMax: number }> {
  const answers = { count: 0, bytesMax: 0 };
  for (let sent = 0; sent < count; sent += PARALLEL) {
    const sockets = await Promise.all(
      Array.from({ length: PARALLEL }, (_, index) => {
        const source = sent + index;
        return boundTo(`127.1.${source >> 8}.${source & 0xff || 1}`);
      }),
    );
    await Promise.all(
      sockets.map((socket) => {
        socket.on('message', (answer) => {
          answers.count++;
          answers.bytesMax = Math.max(answers.bytesMax, answer.length);
        });
        return new Promise((resolve) => socket.send(dtlsHello(), port, host, resolve));
      }),
    );
    const wanted = Math.min(answers.count + PARALLEL, sent + PARALLEL);
    for (let turn = 0; turn < ANSWER_TURNS && answers.count < wanted; turn++) await setImmediate();
    for (const socket of sockets) socket.close();
  }
  return answers;
}

async function boundTo(ip: string): Promise<DatagramSocket> {
  const socket = createSocket('udp4');
  socket.bind(0, ip);
  await once(socket, 'listening');
  return socket;
}

async function openMany(
  t: Test,
  { host, port }: ServerAddress,
  count: number,
): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  t.teardown(() => sockets.forEach((socket) => socket.destroy()));
  while (sockets.length < count) {
    const batch = Array.from({ length: PARALLEL }, () => connect({ host, port }));
    sockets.push(...batch);
    await Promise.all(batch.map((socket) => once(socket, 'connect')));
  }
  return sockets;
}

async function closed(socket: Socket): Promise<void> {
  socket.on('error', () => undefined);
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
}

async function openAndClose(server: ServerAddress, count: number): Promise<void> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) await handshake(server, '127.0.0.1');
  };
  await Promise.all(Array.from({ length: PARALLEL }, one));
}

async function handshake(server: ServerAddress, localAddress: string): Promise<'done' | 'refused'> {
  const socket = await openSecure(server, localAddress);
  if (socket === undefined) return 'refused';
  socket.end();
  await closed(socket);
  return 'done';
}

/** Undefined when the server closes the connection instead. */
async function openSecure(
  { host, port }: ServerAddress,
  localAddress: string,
): Promise<TLSSocket | undefined> {
  const plain = connect({ host, port, localAddress });
  const socket = connectTls({ socket: plain, rejectUnauthorized: false });
  for (const each of [plain, socket]) each.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.once('secureConnect', () => resolve(socket));
    socket.once('close', () => resolve(undefined));
  });
}

/** A client of its own for the static user. */
async function turnClient(t: Test, server: ServerAddress): Promise<TurnClient> {
  const connection = await openSecure(server, '127.0.0.1');
  const client = await TurnClient.open({ server, connection: connection!, credential: CREDENTIAL });
  t.teardown(() => client.close());
  return client;
}
