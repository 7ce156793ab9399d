import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { LogRecord } from '../../src/log.ts';
import type { ProxyPlan } from '../../src/net/data-plane.ts';
import { TICKET_KEYS_BYTES } from '../../src/tls/tls-settings.ts';
import { CertificateAuthority } from '../support/certificate-authority.ts';
import { openUdpEchoPeer, type UdpEchoPeer } from '../support/echo-peer.ts';
import { freePorts } from '../support/free-ports.ts';
import {
  createPortableGateway,
  PORTABLE_TLS_LISTENER,
  PORTABLE_USER,
  type PortableGateway,
  type PortableGatewayOptions,
} from '../support/portable-gateway.ts';
import { proxyLine, proxyV2, proxyV2Of } from '../support/proxy-header.ts';
import { skipTime } from '../support/skip-time.ts';
import { tlsSettings } from '../support/tls-settings.ts';
import { addressFrom, TurnClient } from '../support/turn-client.ts';

const HOST = '127.0.0.1';
const CHANNEL = 0x4001;
const TRUSTING: ProxyPlan['trusted'] = [{ address: '127.0.0.0', prefixLength: 8 }];
const STRANGERS: ProxyPlan['trusted'] = [{ address: '192.0.2.0', prefixLength: 24 }];

const authority = await CertificateAuthority.create();
const certificate = await authority.issueServer();

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`${version}: from Binding to data both ways`, async (t) => {
    const { port, records } = await start(t);
    const socket = await secure(t, port, { minVersion: version, maxVersion: version });
    t.equal(socket.getProtocol(), version);
    t.ok(socket.authorized);
    const client = await over(t, port, socket);
    const peer = await openPeer(t);
    t.ok((await client.binding()).equals(addressFrom(HOST, socket.localPort!)));
    await client.allocate();
    await client.createPermission(peer.address);
    await client.channelBind(CHANNEL, peer.address);
    for (const length of [0, 1, 3, 4, 1199, 1200, 9000, 30_000]) {
      const data = Buffer.alloc(length, length);
      client.sendOnChannel(CHANNEL, data);
      t.same(await client.receive(), { source: CHANNEL, data }, `${length} bytes on a channel`);
    }
    t.match(records.at(-1), { message: 'allocation created', fields: { transport: 'tls' } });
    await client.close();
    await recorded(records, 'allocation ended');
  });
}

t.test('ALPN: ours is chosen, others are no hindrance', async (t) => {
  const { port } = await start(t);
  const cases: Record<string, readonly string[]> = {
    'stun.turn': ['h2', 'stun.turn'],
    'stun.nat-discovery': ['stun.nat-discovery'],
    h2: ['h2', 'http/1.1'],
  };
  for (const [expected, ALPNProtocols] of Object.entries(cases)) {
    const socket = await secure(t, port, { ALPNProtocols: [...ALPNProtocols] });
    t.equal(socket.alpnProtocol, expected);
  }
});

t.test('a certificate is replaced under way', async (t) => {
  const { port, plane, records } = await start(t);
  const first = await over(t, port, await secure(t, port));
  const peer = await openPeer(t);
  await first.allocate();
  await first.channelBind(CHANNEL, peer.address);
  for (let rotation = 0; rotation < 10; rotation++) {
    // Begun before, finished after.
    const early = secure(t, port);
    const next = await authority.issueServer();
    plane.replaceTls(new Map([[PORTABLE_TLS_LISTENER, tlsSettings([next])]]));
    const socket = await secure(t, port);
    t.equal(socket.getPeerCertificate().serialNumber, next.serialNumber.toUpperCase());
    await (await over(t, port, await early)).binding();
    const data = Buffer.from(`rotation ${rotation}`);
    first.sendOnChannel(CHANNEL, data);
    t.same(await first.receive(), { source: CHANNEL, data });
  }
  t.equal(records.length, 1, 'nothing fails and nothing ends');
});

t.test('a session is resumed, also with another certificate', async (t) => {
  const ticketKeys = randomBytes(TICKET_KEYS_BYTES);
  const { port, plane } = await start(t, { tls: tlsSettings([certificate], { ticketKeys }) });
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = await openSecure(t, port, { maxVersion });
    const [session] = (await once(socket, 'session')) as [Buffer];
    const next = await authority.issueServer();
    const settings = tlsSettings([next], { ticketKeys });
    plane.replaceTls(new Map([[PORTABLE_TLS_LISTENER, settings]]));
    const resumed = await secure(t, port, { session, maxVersion });
    t.ok(resumed.isSessionReused(), maxVersion);
    await (await over(t, port, resumed)).binding();
  }
});

t.test('TLS and plain TCP on one port', async (t) => {
  const { port, records } = await start(t, { alsoPlain: true });
  const clients = {
    tls: await over(t, port, await secure(t, port)),
    tcp: await over(t, port, await plain(t, port)),
  };
  for (const [transport, client] of Object.entries(clients)) {
    t.equal((await client.binding()).port, client.localPort);
    await client.allocate();
    t.match(records.at(-1), { message: 'allocation created', fields: { transport } });
  }
});

t.test('plain TCP where only TLS is spoken', async (t) => {
  const { port, records } = await start(t);
  const socket = await plain(t, port, Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  const client = `${HOST}:${socket.localPort}`;
  await once(socket, 'close');
  const fields = {
    listener: PORTABLE_TLS_LISTENER,
    transport: 'tls',
    reason: 'http request',
    client,
  };
  t.match(records, [{ message: 'handshake failed', fields }]);
});

t.test('the client behind a load balancer, with TLS and without', async (t) => {
  const source = addressFrom('203.0.113.9', 4444);
  const source6 = addressFrom('2001:db8::9', 4444);
  const headers = {
    'version 1': proxyLine(source, addressFrom('198.51.100.1', 443)),
    'version 2': proxyV2(source, addressFrom('198.51.100.1', 443), Buffer.of(4, 0, 2, 1, 2)),
    'version 2, IPv6': proxyV2(source6, addressFrom('2001:db8::1', 443)),
    'version 1, unknown': Buffer.from('PROXY UNKNOWN\r\n'),
    'version 2, LOCAL': proxyV2Of(0x20, 0, Buffer.alloc(0)),
  };
  const clientOf = (name: string, own: number): string => {
    if (name.includes('IPv6')) return source6.toString();
    const isUnknown = name.includes('unknown') || name.includes('LOCAL');
    return isUnknown ? `${HOST}:${own}` : source.toString();
  };
  for (const mode of ['optional', 'required'] as const) {
    const proxy = { mode, trusted: TRUSTING };
    const { port } = await start(t, { protocols: ['tls'], proxy });
    const tcp = await start(t, { protocols: ['tcp'], proxy });
    for (const [name, header] of Object.entries(headers)) {
      const socket = await secure(t, port, { socket: await plain(t, port, header) });
      const client = await over(t, port, socket);
      const reflexive = await client.binding();
      t.equal(reflexive.toString(), clientOf(name, socket.localPort!), `${mode}, TLS, ${name}`);
      const socket2 = await plain(t, tcp.port);
      for (const byte of header) {
        socket2.write(Buffer.of(byte));
        await nextTurn();
      }
      const reflexive2 = await (await over(t, tcp.port, socket2)).binding();
      t.equal(reflexive2.toString(), clientOf(name, socket2.localPort!), `${mode}, TCP, ${name}`);
    }
  }
});

t.test('a header and the first message in one segment', async (t) => {
  const proxy = { mode: 'required', trusted: TRUSTING } as const;
  const { port, records } = await start(t, { alsoPlain: true, proxy });
  const header = proxyLine(addressFrom('203.0.113.9', 7), addressFrom('198.51.100.1', 8));
  const pieces: Buffer[] = [];
  const hello = await clientHello();
  for (const first of [hello, Buffer.from('000100002112a442000000000000000000000000', 'hex')]) {
    const socket = await plain(t, port, Buffer.concat([header, first]));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    pieces.push(answer.subarray(0, 2));
  }
  t.same(pieces, [Buffer.of(0x16, 3), Buffer.of(1, 1)], 'a ServerHello, a Binding response');
  t.same(records, []);
});

t.test('PROXY headers that are wrong, missing, or from strangers', async (t) => {
  const good = proxyLine(addressFrom('203.0.113.9', 7), addressFrom('198.51.100.1', 8));
  const bad = Buffer.from('PROXY TCP4 203.0.113.9\r\n');
  const binding = Buffer.from('000100002112a442000000000000000000000000', 'hex');
  const cases: [ProxyPlan['mode'], ProxyPlan['trusted'], Buffer, string | undefined][] = [
    ['required', STRANGERS, good, 'proxyUntrusted'],
    ['required', STRANGERS, binding, 'proxyUntrusted'],
    ['required', TRUSTING, binding, 'proxyHeaderMissing'],
    ['required', TRUSTING, bad, 'proxyHeaderMalformed'],
    ['optional', TRUSTING, bad, 'proxyHeaderMalformed'],
    // No more than bytes that are no TURN.
    ['optional', STRANGERS, good, undefined],
    ['off', TRUSTING, good, undefined],
  ];
  for (const [mode, trusted, bytes, reason] of cases) {
    const { port, records } = await start(t, { protocols: ['tcp'], proxy: { mode, trusted } });
    const socket = await plain(t, port, bytes);
    const client = `${HOST}:${socket.localPort}`;
    await once(socket, 'close');
    const refusals = reason === undefined ? [] : [{ message: 'connection refused' }];
    t.match(records, refusals, `${mode}: ${reason}`);
    t.equal(records.length, refusals.length);
    if (reason !== undefined) t.match(records[0]!.fields, { reason, client, transport: 'tcp' });
  }
  for (const trusted of [TRUSTING, STRANGERS]) {
    const { port } = await start(t, { protocols: ['tcp'], proxy: { mode: 'optional', trusted } });
    const client = await over(t, port, await plain(t, port));
    t.equal((await client.binding()).ip(), HOST, 'a header may be missing');
  }
});

t.test('connections are counted for the client, not for its load balancer', async (t) => {
  const proxy = { mode: 'required', trusted: TRUSTING } as const;
  const limits = { connectionsPerAddressMax: 2 };
  const { port, records } = await start(t, { proxy, limits });
  const from = (ip: string): Buffer => proxyLine(addressFrom(ip, 7), addressFrom('192.0.2.1', 8));
  const open = async (ip: string): Promise<TLSSocket> =>
    secure(t, port, { socket: await plain(t, port, from(ip)) });
  const idle = await Promise.all([1, 2, 3, 4].map(() => plain(t, port)));
  const sockets = [await open('203.0.113.1'), await open('203.0.113.1')];
  await open('203.0.113.2');
  const third = await plain(t, port, from('203.0.113.1'));
  await once(third, 'close');
  t.match(records, [{ fields: { reason: 'tooManyConnections', client: '203.0.113.1:7' } }]);
  sockets[0]!.destroy();
  // The close may be seen later than the next connection.
  while (
    !(await open('203.0.113.1').then(
      () => true,
      () => false,
    ))
  );
  t.equal(idle.filter(({ closed }) => closed).length, 0);
});

t.test('connections of one client without a load balancer', async (t) => {
  const { port, records } = await start(t, { limits: { connectionsPerAddressMax: 1 } });
  await secure(t, port);
  const second = await plain(t, port);
  await once(second, 'close');
  t.match(records, [{ fields: { reason: 'tooManyConnections', transport: 'tls' } }]);
});

t.test('handshakes of one client are limited, plain connections are not', async (t) => {
  const limits = { handshakesPerSecondPerAddress: 0.001 };
  const { port, records } = await start(t, { alsoPlain: true, limits });
  for (let count = 0; count < 5; count++) await secure(t, port);
  await t.rejects(secure(t, port));
  t.match(records, [{ message: 'connection refused', fields: { reason: 'tooManyHandshakes' } }]);
  await (await over(t, port, await plain(t, port))).binding();
});

t.test('who is silent before or within its handshake is disconnected', async (t) => {
  const { port } = await start(t, { alsoPlain: true });
  const hello = await clientHello();
  const silent = await Promise.all([
    plain(t, port),
    plain(t, port, hello.subarray(0, 100)),
    plain(t, port, hello),
  ]);
  const patient = [await plain(t, port, Buffer.of(0)), await secure(t, port)];
  const silentEnd = Promise.all(silent.map((socket) => once(socket, 'close')));
  const patientEnd = Promise.all(patient.map((socket) => once(socket, 'close')));
  skipTime(t, 6000);
  await silentEnd;
  await (await over(t, port, await secure(t, port))).binding();
  t.notOk(
    patient.some(({ closed }) => closed),
    'who has begun a message or finished the handshake has more time',
  );
  skipTime(t, 6000);
  await patientEnd;
});

t.test('clients have to show a certificate', async (t) => {
  const wrong = await CertificateAuthority.create({ name: 'Wrong Root' });
  const alice = await authority.issueClient({ subject: 'CN=alice,OU=edge' });
  const revoked = await authority.issueClient();
  const certificates = {
    good: [await authority.issueClient(), true],
    'of an identity': [alice, true],
    'of a wrong authority': [await wrong.issueClient(), false],
    expired: [await authority.issueClient({ validity: 'expired' }), false],
    'not yet valid': [await authority.issueClient({ validity: 'not-yet-valid' }), false],
    'for servers': [await authority.issueServer(), false],
    revoked: [revoked, false],
  } as const;
  const clientCrlPem = await authority.revocationList([revoked.serialNumber]);
  const identity = { subject: 'OU=edge', userId: '{CN}@edge', routes: ['loopback'] };
  for (const clientAuth of ['require', 'request'] as const) {
    const tls = tlsSettings([certificate], {
      clientAuth,
      clientCaPem: authority.certificatePem,
      clientCrlPem,
      clientIdentities: [identity],
    });
    const { port, records } = await start(t, { tls });
    for (const [name, [own, isGood]] of Object.entries(certificates)) {
      const options = { cert: own.chainPem, key: own.keyPem };
      const binding = secure(t, port, options).then(async (socket) => {
        const client = await over(t, port, socket);
        return client.binding();
      });
      if (isGood) t.ok(await binding, `${clientAuth}: ${name}`);
      else await t.rejects(binding, `${clientAuth}: ${name}`);
    }
    const failures = records.filter(({ message }) => message === 'handshake failed');
    t.equal(failures.length, 5, failures.map(({ fields }) => String(fields?.['reason'])).join());
    const nameless = secure(t, port).then(async (socket) => {
      const client = await over(t, port, socket);
      return client.binding();
    });
    if (clientAuth === 'require') await t.rejects(nameless);
    else t.ok(await nameless, 'a certificate is only asked for');

    const socket = await secure(t, port, { cert: alice.chainPem, key: alice.keyPem });
    await (await over(t, port, socket)).allocate();
    const [created] = records.filter(({ message }) => message === 'allocation created');
    t.match(created?.fields, { user: 'alice@edge' });
  }
});

t.test('DTLS is refused, and nothing is left open', async (t) => {
  const port = await freePorts();
  const { plane } = createPortableGateway({ port, protocols: ['tcp', 'dtls'] });
  const detail = /"dtls-listener" asks for DTLS.*needs the reactor/;
  await t.rejects(plane.start(), { code: 'GW_ERR_UNSUPPORTED', message: detail });
  await t.rejects(once(connect(port, HOST), 'connect'), { code: 'ECONNREFUSED' });
  await plane.stop();
});

t.test('stop closes every connection', async (t) => {
  const { port, plane, records } = await start(t);
  const client = await secure(t, port);
  await (await over(t, port, client)).allocate();
  const half = await plain(t, port, (await clientHello()).subarray(0, 50));
  const ends = [client, half].map((socket) => {
    // Bytes that nobody has read make it a reset.
    return new Promise((resolve) => socket.once('close', resolve));
  });
  await plane.stop();
  await Promise.all(ends);
  t.match(records.at(-1), { message: 'allocation ended', fields: { reason: 'shutdown' } });
});

interface Started extends PortableGateway {
  readonly port: number;
}

async function start(t: Test, options: Partial<PortableGatewayOptions> = {}): Promise<Started> {
  const port = await freePorts();
  const tls = tlsSettings([certificate]);
  const gateway = createPortableGateway({ port, protocols: ['tls'], tls, ...options });
  await gateway.plane.start();
  t.teardown(() => gateway.plane.stop());
  return { ...gateway, port };
}

/** A TCP connection; `first` is sent at once. */
async function plain(t: Test, port: number, first?: Uint8Array): Promise<Socket> {
  const socket = connect({ host: HOST, port, noDelay: true });
  socket.on('error', () => undefined);
  t.teardown(() => socket.destroy());
  socket.resume();
  await once(socket, 'connect');
  if (first !== undefined) socket.write(first);
  return socket;
}

/** A TLS connection that trusts our authority, once the handshake is done; rejects when it fails. */
async function secure(t: Test, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = await openSecure(t, port, options);
  await Promise.race([
    once(socket, 'secureConnect'),
    once(socket, 'close').then(() => {
      throw new Error('the connection was closed within the handshake');
    }),
  ]);
  return socket;
}

async function openSecure(t: Test, port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connectTls({
    socket: options.socket ?? (await plain(t, port)),
    servername: 'localhost',
    ca: authority.certificatePem,
    ...options,
  });
  socket.on('error', () => undefined);
  socket.resume();
  t.teardown(() => socket.destroy());
  return socket;
}

async function over(t: Test, port: number, connection: Socket): Promise<TurnClient> {
  const server = { host: HOST, port };
  const client = await TurnClient.open({ server, connection, credential: PORTABLE_USER });
  t.teardown(() => client.close());
  return client;
}

async function openPeer(t: Test): Promise<UdpEchoPeer> {
  const peer = await openUdpEchoPeer();
  t.teardown(() => peer.close());
  return peer;
}

/** The first flight of a client. */
async function clientHello(): Promise<Buffer> {
  const flights: Buffer[] = [];
  const { Duplex } = await import('node:stream');
  const sink = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      flights.push(chunk);
      done();
    },
  });
  const socket = connectTls({ socket: sink, servername: 'localhost' });
  socket.on('error', () => undefined);
  while (flights.length === 0) await nextTurn();
  socket.destroy();
  return flights[0]!;
}

async function recorded(records: readonly LogRecord[], wanted: string): Promise<void> {
  while (!records.some(({ message }) => message === wanted)) await nextTurn();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
