import { createSocket, Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket as TcpSocket } from 'node:net';
import { networkInterfaces } from 'node:os';
import t, { type Test } from 'tap';
import { GatewayError } from '../../../src/errors.ts';
import { openUdpSocket, sendDatagram } from '../../../src/net/portable/udp-socket.ts';
import { StunWriter } from '../../../src/stun/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../../src/stun/registry.ts';
import { IPV4, IPV6, type TransportAddress } from '../../../src/stun/transport-address.ts';
import { StreamFramer } from '../../../src/turn/stream-framer.ts';
import { freePorts } from '../../support/free-ports.ts';
import {
  createPortableGateway,
  policiesFor,
  PORTABLE_USER,
  type PortableGateway,
  type PortableGatewayOptions,
} from '../../support/portable-gateway.ts';
import { skipTime } from '../../support/skip-time.ts';
import { addressFrom, TurnClient } from '../../support/turn-client.ts';

const TRANSPORTS = ['udp', 'tcp'] as const;
const CHANNEL = 0x4001;
const PIECES = [1, 3, 7, 19, 21, 33, 1000];

for (const transport of TRANSPORTS) {
  t.test(`${transport}: from Binding to data both ways`, async (t) => {
    const { port } = await start(t);
    const stranger = await open(t, port, transport, null);
    const own = addressFrom('127.0.0.1', stranger.localPort);
    t.ok((await stranger.binding()).equals(own), 'Binding names the reflexive address');
    await t.rejects(stranger.allocate(), { code: 401 });

    const client = await open(t, port, transport);
    const peer = await openEcho(t);
    const other = await openEcho(t);
    const { relayed, reflexive } = await client.allocate();
    t.equal(reflexive.port, client.localPort);
    await t.rejects(client.allocate(), { code: 437 }, 'one allocation for each 5-tuple');
    await client.createPermission(peer.address);
    await client.channelBind(CHANNEL, peer.address);

    for (const length of [0, 1, 2, 3, 4, 1199, 9000]) {
      const data = Buffer.alloc(length, length);
      client.sendOnChannel(CHANNEL, data);
      t.same(await client.receive(), { source: CHANNEL, data }, `${length} bytes on a channel`);
    }
    for (const length of [0, 1, 2, 3, 4, 1199]) {
      const data = Buffer.alloc(length, length);
      client.send(other.address, data);
      t.same(await client.receive(), { source: other.address, data }, `${length} bytes indicated`);
    }
    t.equal(other.lastPort, relayed[0]!.port, 'data leaves from the relayed transport address');
    t.equal(await client.refresh(0), 0);
    await bindUdp(t, relayed[0]!.port);
  });
}

t.test('a peer without permission is not heard', async (t) => {
  const { port } = await start(t);
  const client = await open(t, port, 'tcp');
  const { relayed } = await client.allocate();
  const stranger = await bindUdp(t, 0);
  const friend = await bindUdp(t, 0, '127.0.0.2');
  await client.createPermission(addressFrom('127.0.0.2', 0));
  stranger.send('no', relayed[0]!.port, '127.0.0.1');
  friend.send(Buffer.alloc(65_507), relayed[0]!.port, '127.0.0.1');
  friend.send('yes', relayed[0]!.port, '127.0.0.1');
  t.equal((await client.receive()).data.toString(), 'yes', 'nor is what no indication can hold');
});

t.test(
  'both families on one listener, and a second relay on request',
  { skip: missingIpv6() },
  async (t) => {
    const { port } = await start(t, { bind: '::1' });
    const peers = [await openEcho(t, '127.0.0.1'), await openEcho(t, '::1')];
    for (const transport of TRANSPORTS) {
      const client = await open(t, port, transport, PORTABLE_USER, '::1');
      t.equal((await client.binding()).ip(), '::1');
      const { relayed } = await client.allocate({ additionalFamily: IPV6 });
      t.same(
        relayed.map(({ family }) => family),
        [IPV4, IPV6],
      );
      for (const { address } of peers) {
        await client.createPermission(address);
        client.send(address, Buffer.from('hello'));
        t.same(await client.receive(), { source: address, data: Buffer.from('hello') });
      }
    }
  },
);

t.test('a wildcard listener answers from the address that was asked', async (t) => {
  const { port } = await start(t, { bind: undefined });
  const local = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const usable = local.filter(({ scopeid }) => !scopeid);
  for (const transport of TRANSPORTS) {
    for (const { address } of usable) {
      // A connected socket takes replies from this very address alone.
      const client = await open(t, port, transport, null, address);
      t.equal((await client.binding()).port, client.localPort, `${transport} ${address}`);
    }
  }
});

t.test('DONT-FRAGMENT is refused, since dgram cannot do it', async (t) => {
  const { port } = await start(t);
  const client = await open(t, port, 'udp');
  const request = client.request(METHOD.ALLOCATE, (writer) => {
    writer.uint8(ATTRIBUTE.REQUESTED_TRANSPORT, 17, 4);
    writer.attribute(ATTRIBUTE.DONT_FRAGMENT, new Uint8Array(0));
  });
  await t.rejects(request, { code: 420 });
});

t.test('EVEN-PORT with the next port reserved, and the reservation used', async (t) => {
  const { port } = await start(t);
  const peer = await openEcho(t);
  const first = await open(t, port, 'udp');
  const { relayed, reservationToken } = await first.allocate({ isEvenPortReserved: true });
  t.equal(relayed[0]!.port % 2, 0);
  const second = await open(t, port, 'tcp');
  const adopted = await second.allocate({ reservationToken: reservationToken! });
  t.equal(adopted.relayed[0]!.port, relayed[0]!.port + 1);
  await second.channelBind(CHANNEL, peer.address);
  second.sendOnChannel(CHANNEL, Buffer.from('hello'));
  t.equal((await second.receive()).data.toString(), 'hello');
  t.equal(peer.lastPort, relayed[0]!.port + 1);
  const third = await open(t, port, 'udp');
  const again = third.allocate({ reservationToken: reservationToken! });
  await t.rejects(again, { code: 508 }, 'a token is good for once');
});

t.test('ports that others use are avoided, and a pair is all or nothing', async (t) => {
  const min = await freePorts(4);
  const { port } = await start(t, { relayPorts: { min, max: min + 1 } });
  const client = await open(t, port, 'udp');
  const taken = await bindUdp(t, min + 1);
  await t.rejects(client.allocate({ isEvenPortReserved: true }), { code: 508 });
  const lower = await bindUdp(t, min);
  await closed(lower);
  await closed(taken);
  const { relayed, reservationToken } = await client.allocate({ isEvenPortReserved: true });
  t.equal(relayed[0]!.port, min);
  t.equal(reservationToken?.length, 8);
  const other = await open(t, port, 'udp');
  await t.rejects(other.allocate(), { code: 508 }, 'no port is left');
});

t.test('a relay address that this machine does not have', async (t) => {
  const address = { bind: '198.51.100.1', advertise: '198.51.100.1' };
  const { port, records } = await start(t, { relayAddresses: [address] });
  const client = await open(t, port, 'tcp');
  await t.rejects(client.allocate(), { code: 508 });
  t.match(
    records.map(({ message }) => message),
    ['allocation refused'],
  );
});

t.test('an advertised address is told, the other one bound', async (t) => {
  const address = { bind: '127.0.0.1', advertise: '203.0.113.7' };
  const { port } = await start(t, { relayAddresses: [address] });
  const client = await open(t, port, 'udp');
  const { relayed } = await client.allocate();
  t.equal(relayed[0]!.ip(), '203.0.113.7');
  const peer = await bindUdp(t, 0);
  await client.createPermission(addressFrom('127.0.0.1', 0));
  peer.send('hello', relayed[0]!.port, '127.0.0.1');
  t.equal((await client.receive()).data.toString(), 'hello');
});

t.test('a stream may be cut anywhere', async (t) => {
  const { port } = await start(t, { protocols: ['tcp'] });
  const requests = Buffer.concat(Array.from({ length: 20 }, (_, id) => bindingRequest(id)));
  for (const size of PIECES) {
    const socket = await connectTo(t, port);
    const answers = readAnswers(socket, 20);
    for (let at = 0; at < requests.length; at += size)
      socket.write(requests.subarray(at, at + size));
    t.same(
      await answers,
      Array.from({ length: 20 }, (_, id) => id),
      `pieces of ${size} bytes`,
    );
  }
  const client = await open(t, port, 'tcp');
  const peer = await openEcho(t);
  await client.allocate();
  await client.channelBind(CHANNEL, peer.address);
  const data = Buffer.from(Array.from({ length: 1200 }, (_, index) => index));
  const frame = Buffer.concat([Buffer.of(0x40, 0x01, data.length >> 8, data.length), data]);
  // Multiples of four, which the client does not pad.
  for (let at = 0; at < frame.length; at += 172) {
    client.sendRaw(frame.subarray(at, at + 172));
    await nextTurn();
  }
  t.same(await client.receive(), { source: CHANNEL, data });
});

t.test('a stream that is no TURN is closed', async (t) => {
  const { port } = await start(t, { protocols: ['tcp'] });
  const streams = {
    'HTTP request': Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    'TLS ClientHello': Buffer.of(0x16, 3, 1, 2, 0),
    'frame too long for a stranger': Buffer.of(0x40, 1, 0xff, 0xff),
  };
  for (const [name, bytes] of Object.entries(streams)) {
    const socket = await connectTo(t, port);
    const end = once(socket, 'close');
    socket.write(bytes);
    await end;
    t.pass(name);
  }
});

t.test('an allocation over TCP ends with its connection', async (t) => {
  const { port, records } = await start(t);
  const client = await open(t, port, 'tcp');
  await client.allocate();
  const other = await open(t, port, 'tcp');
  await client.close();
  // A second connection's answers come after the close of the first has been seen.
  while (!records.some(({ message }) => message === 'allocation ended')) await other.binding();
  t.match(records.at(-1)?.fields, { reason: 'clientClosed' });
});

t.test('new routes end what they deny', async (t) => {
  const { port, plane, records } = await start(t);
  const client = await open(t, port, 'udp');
  const peer = await openEcho(t);
  await client.allocate();
  await client.channelBind(CHANNEL, peer.address);
  plane.replacePolicies(policiesFor([]));
  const denials = records.filter(({ message }) => message === 'peer denied');
  t.match(
    denials.map(({ fields }) => fields),
    [{ request: 'routeChange' }, { request: 'routeChange' }],
  );
  await t.rejects(client.createPermission(peer.address), { code: 403 });
  plane.replacePolicies(policiesFor(['loopback']));
  await client.channelBind(CHANNEL, peer.address);
  client.sendOnChannel(CHANNEL, Buffer.from('hello'));
  t.equal((await client.receive()).data.toString(), 'hello');
});

t.test('what is not used in time ends', async (t) => {
  const { port, records } = await start(t);
  const silent = await connectTo(t, port);
  const client = await open(t, port, 'udp');
  const { relayed } = await client.allocate({ isEvenPortReserved: true });
  const silentEnd = once(silent, 'close');
  // Later than the first message of a connection and a reservation may take, sooner than an allocation ends.
  skipTime(t, 31_000);
  await silentEnd;
  await bindUdp(t, relayed[0]!.port + 1);
  t.notOk(records.some(({ message }) => message === 'allocation ended'));

  const idle = await open(t, port, 'tcp');
  await idle.allocate();
  const busy = await connectTo(t, port);
  const busyEnd = once(busy, 'close');
  skipTime(t, 601_000);
  await busyEnd;
  const ends = records.filter(({ message }) => message === 'allocation ended');
  t.match(
    ends.map(({ fields }) => fields),
    [{ reason: 'expired' }, { reason: 'expired' }],
  );
  await bindUdp(t, relayed[0]!.port);
});

t.test('a listener that cannot be opened says why and leaves nothing open', async (t) => {
  const port = await freePorts();
  const udp = await bindUdp(t, port);
  const tcp = createServer().listen(port, '127.0.0.1');
  await once(tcp, 'listening');
  const inUse = 'address already in use; stop the other program, or choose another port';
  const cases = [
    {
      options: { protocols: ['udp'] },
      detail: `"udp-listener" cannot listen on udp 127.0.0.1 port ${port}: ${inUse}`,
    },
    {
      options: { protocols: ['tcp'] },
      detail: `"tcp-listener" cannot listen on tcp 127.0.0.1 port ${port}: ${inUse}`,
    },
    {
      options: { protocols: ['udp'], bind: undefined },
      detail: `cannot listen on udp * port ${port}: ${inUse}`,
    },
    {
      options: { protocols: ['tcp'], bind: undefined },
      detail: `cannot listen on tcp * port ${port}: ${inUse}`,
    },
    {
      options: { protocols: ['udp'], bind: '198.51.100.1' },
      detail: `cannot listen on udp 198.51.100.1 port ${port}: this machine does not have that address`,
    },
    {
      options: { protocols: ['tcp'], bind: '198.51.100.1' },
      detail: `cannot listen on tcp 198.51.100.1 port ${port}: this machine does not have that address`,
    },
  ] as const;
  for (const { options, detail } of cases) {
    const { plane } = createPortableGateway({ port, ...options });
    const error = await plane.start().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    t.ok(error instanceof GatewayError, detail);
    t.match(error, { code: 'GW_ERR_LISTEN', message: detail });
    await plane.stop();
    await expectHandles(t, ['TCPServerWrap', 'UDPWrap']);
  }
  await closed(udp);
  const { plane } = createPortableGateway({ port });
  await t.rejects(plane.start(), { code: 'GW_ERR_LISTEN' }, 'UDP is free, TCP is not');
  await bindUdp(t, port);
  tcp.close();
});

t.test('stop ends every allocation, connection and socket', async (t) => {
  const port = await freePorts();
  const { plane, records } = createPortableGateway({ port });
  await plane.start();
  const clients = await Promise.all(TRANSPORTS.map((transport) => open(t, port, transport)));
  for (const client of clients) await client.allocate({ isEvenPortReserved: true });
  const idle = await connectTo(t, port);
  const idleEnd = once(idle, 'close');
  await plane.stop();
  await idleEnd;
  const ends = records.filter(({ message }) => message === 'allocation ended');
  t.match(
    ends.map(({ fields }) => fields),
    [{ reason: 'shutdown' }, { reason: 'shutdown' }],
  );
  await Promise.all(clients.map((client) => client.close()));
  await expectHandles(t, []);
  await plane.stop();
  plane.replacePolicies(policiesFor([]));
  t.equal(records.length, 4, 'a stopped plane does nothing');
});

t.test('stop while a relay is being bound', async (t) => {
  const port = await freePorts();
  const { plane, records } = createPortableGateway({ port });
  await plane.start();
  const client = await open(t, port, 'tcp');
  await t.rejects(client.allocate({ reservationToken: Buffer.alloc(8) }), { code: 508 });
  let stopped: Promise<void> | undefined;
  const bind = Reflect.get(Socket.prototype, 'bind') as (...args: unknown[]) => Socket;
  const stoppingBind = function (this: Socket, ...args: unknown[]): Socket {
    queueMicrotask(() => void (stopped ??= plane.stop()));
    return bind.apply(this, args);
  };
  t.intercept(Socket.prototype, 'bind', { value: stoppingBind });
  await t.rejects(client.allocate(), /closed/);
  await stopped;
  await client.close();
  await expectHandles(t, []);
  t.same(records, [], 'the allocation never came to be');
});

t.test('nothing can be sent to port 0', async (t) => {
  const socket = await openUdpSocket(addressFrom('127.0.0.1', 0));
  t.teardown(() => socket.close());
  t.doesNotThrow(() => sendDatagram(socket, Buffer.of(1), addressFrom('127.0.0.1', 0)));
});

interface Started extends PortableGateway {
  readonly port: number;
}

async function start(t: Test, options: Partial<PortableGatewayOptions> = {}): Promise<Started> {
  const port = await freePorts();
  const gateway = createPortableGateway({ port, ...options });
  await gateway.plane.start();
  t.teardown(() => gateway.plane.stop());
  return { ...gateway, port };
}

async function open(
  t: Test,
  port: number,
  transport: 'udp' | 'tcp',
  credential: typeof PORTABLE_USER | null = PORTABLE_USER,
  host = '127.0.0.1',
): Promise<TurnClient> {
  const server = { host, port };
  const client = await TurnClient.open({ server, transport, ...(credential && { credential }) });
  t.teardown(() => client.close().catch(() => undefined));
  return client;
}

interface Echo {
  readonly address: TransportAddress;
  /** Port that the last datagram came from. */
  readonly lastPort: number;
}

async function openEcho(t: Test, host = '127.0.0.1'): Promise<Echo> {
  const socket = await bindUdp(t, 0, host);
  const echo = { address: addressFrom(host, socket.address().port), lastPort: 0 };
  socket.on('message', (message, { port, address }) => {
    echo.lastPort = port;
    socket.send(message, port, address);
  });
  return echo;
}

async function bindUdp(t: Test, port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.bind({ port, address: host, exclusive: true });
  await once(socket, 'listening');
  t.teardown(() => closed(socket).catch(() => undefined));
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.close(resolve);
  });
}

async function connectTo(t: Test, port: number): Promise<TcpSocket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  socket.resume();
  t.teardown(() => socket.destroy());
  return socket;
}

/** A Binding request whose transaction id ends with `id`. */
function bindingRequest(id: number): Uint8Array {
  const transactionId = new Uint8Array(12);
  transactionId[11] = id;
  const writer = new StunWriter(new Uint8Array(64));
  return writer.begin(METHOD.BINDING, CLASS.REQUEST, transactionId).written();
}

/** Ends of the transaction ids of the next `count` messages. */
function readAnswers(socket: TcpSocket, count: number): Promise<number[]> {
  const framer = new StreamFramer();
  const ids: number[] = [];
  return new Promise((resolve, reject) => {
    socket.on('close', () => reject(new Error(`closed after ${ids.length} answers`)));
    socket.on('data', (chunk) => {
      framer.push(chunk, 0, chunk.length);
      while (framer.next()) ids.push(framer.bytes[framer.offset + 19]!);
      if (ids.length === count) resolve(ids);
    });
  });
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Checks that nothing but `expected` keeps the process alive, once what is closing is closed. */
async function expectHandles(t: Test, expected: readonly string[]): Promise<void> {
  const names = ['UDPWrap', 'TCPSocketWrap', 'TCPServerWrap', 'Timeout'];
  const handles = (): string[] =>
    process
      .getActiveResourcesInfo()
      .filter((name) => names.includes(name))
      .toSorted();
  for (let turn = 0; turn < 1000 && handles().length > expected.length; turn++) await nextTurn();
  t.same(handles(), expected, 'what keeps the process alive');
}

function missingIpv6(): string | false {
  const local = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return (
    !local.some(({ address }) => address === '::1') && 'this machine has no IPv6 loopback address'
  );
}
