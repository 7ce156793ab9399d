import { once } from 'node:events';
import { connect as connectPlain, createServer, type AddressInfo, type Socket } from 'node:net';
import { connect } from 'node:tls';
import t, { type Test } from 'tap';
import { within } from '../../support/child-process.ts';
import { ephemeralCredential } from '../../support/credentials.ts';
import { openUdpEchoPeer } from '../../support/echo-peer.ts';
import { garbage } from '../../support/garbage.ts';
import { missingBuild } from '../../support/gateway-process.ts';
import { bindOnce, missingOpenSsl } from '../../support/openssl-client.ts';
import { startSecureGateway, TestPki, tlsKeys } from '../../support/secure-gateway.ts';
import { TurnClient } from '../../support/turn-client.ts';
import type { ServerAddress } from '../../support/turn-transport.ts';

const ALERT = 21;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;
const RECORD_HEADER_BYTES = 5;
const BINDING_REQUEST = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');
const CHANNEL = 0x4001;
const CLOSE_MS_MAX = 10_000;

const skip = missingBuild() || missingOpenSsl();

for (const mode of ['reactor', 'portable'] as const) {
  t.test(`bytes that are no TLS, next to a live relay in ${mode} mode`, { skip }, async (t) => {
    const pki = await TestPki.create(t);
    const tls = tlsKeys(await pki.server());
    const gateway = await startSecureGateway(t, {
      mode,
      listeners: {
        tls: { protocol: 'TURN-TLS', tls },
        'also-plain': { protocol: 'TURN-TLS', also_plain: true, tls },
        tcp: { protocol: 'TURN-TCP' },
      },
    });
    const listener = gateway.server('tls');
    const hello = await clientHello();
    let isOver = false;
    const relay = await openRelay(t, listener, pki.authority.certificatePem, gateway.secret);
    const counting = relay(() => isOver);

    await t.test('plain TURN and HTTP on a port for TLS', async (t) => {
      const openings = {
        TURN: BINDING_REQUEST,
        HTTP: Buffer.from('GET / HTTP/1.1\r\nHost: turn.example.org\r\n\r\n'),
        'an HTTP proxy request': Buffer.from('CONNECT turn.example.org:443 HTTP/1.1\r\n\r\n'),
      };
      for (const [what, bytes] of Object.entries(openings)) {
        const { port, answer } = await answerTo(listener, bytes);
        // Nothing, or an alert: no word of TURN or HTTP.
        t.ok(answer.length === 0 || answer[0] === ALERT, `${what}: closed`);
        const fields = { listener: 'tls', client: `127.0.0.1:${port}` };
        t.equal((await gateway.recorded('handshake failed', fields))['transport'], 'tls');
        const logged = gateway
          .records('handshake failed')
          .filter(({ client }) => client === fields.client);
        t.equal(logged.length, 1, 'logged once');
      }
    });

    await t.test('TLS on a port for plain TCP', async (t) => {
      const { answer } = await answerTo(gateway.server('tcp'), hello);
      t.equal(answer.length, 0, 'closed without an answer');
    });

    await t.test('both on one port', async (t) => {
      const server = gateway.server('also-plain');
      t.match(await bindOnce(server, []), /New, TLSv1\.3/);
      const socket = await open(server);
      socket.write(BINDING_REQUEST);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      t.equal(answer.readUInt16BE(0), 0x0101, 'a Binding success response');
      socket.destroy();
    });

    await t.test('handshakes cut at every length', async (t) => {
      for (let length = 1; length < hello.length; length += length < 64 ? 1 : 7) {
        const { answer } = await answerTo(listener, hello.subarray(0, length), 'and end');
        t.ok(answer.length === 0 || answer[0] === ALERT, `${length} bytes`);
      }
      // Left open; the gateway closes them when their time is over.
      const half = await Promise.all(
        [1, 5, 6, 40].map(async (length) => {
          const socket = await open(listener);
          socket.write(hello.subarray(0, length));
          return socket;
        }),
      );
      t.teardown(() => half.map((socket) => socket.destroy()));
    });

    await t.test('a ClientHello in pieces', async (t) => {
      const pieces = {
        'byte by byte': [...hello].map((byte) => Buffer.of(byte)),
        'in records of 16 bytes': inRecords(hello, 16),
        'in records of one byte': inRecords(hello, 1),
      };
      for (const [what, parts] of Object.entries(pieces)) {
        const socket = await open(listener);
        for (const part of parts)
          await new Promise<void>((done) => socket.write(part, () => done()));
        const [answer] = (await once(socket, 'data')) as [Buffer];
        t.same([...answer.subarray(0, 3)], [HANDSHAKE, 3, 3], `${what}: a ServerHello`);
        socket.destroy();
      }
    });

    await t.test('lengths that promise too much', async (t) => {
      const claims = {
        'a record of 65,535 bytes': Buffer.concat([
          Buffer.of(HANDSHAKE, 3, 1, 0xff, 0xff),
          Buffer.alloc(70_000, 1),
        ]),
        'a message of 16 MiB': Buffer.concat([
          Buffer.of(HANDSHAKE, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff),
          Buffer.alloc(0x4000, 3),
        ]),
        'an empty record': Buffer.of(HANDSHAKE, 3, 1, 0, 0, HANDSHAKE, 3, 1, 0, 0),
        'extensions beyond the end': withLongExtensions(hello),
        'SSL 2.0': Buffer.from(
          '802e0100020015000000100100800200800300800400800500800600400700c0',
          'hex',
        ),
      };
      for (const [what, bytes] of Object.entries(claims)) {
        const { answer } = await answerTo(listener, bytes, 'and end');
        t.ok(answer.length === 0 || answer[0] === ALERT, what);
      }
    });

    await t.test('nonsense after the handshake', async () => {
      for (let index = 0; index < 40; index++) {
        const socket = await openSecure(listener, pki.authority.certificatePem);
        const isClosed = closeOf(socket);
        // Cannot begin a message: the first two bits of one are 00 or 01 (RFC 8656 §12).
        socket.write(Buffer.concat([Buffer.alloc(4, 0xff), garbage(index)]));
        await within(CLOSE_MS_MAX, isClosed, () => `connection ${index} stays open`);
      }
      const socket = await openSecure(listener, pki.authority.certificatePem);
      const isClosed = closeOf(socket);
      // A stranger's message that claims 64 KiB.
      const claim = Buffer.from(BINDING_REQUEST);
      claim.writeUInt16BE(0xfffc, 2);
      socket.write(claim);
      await within(CLOSE_MS_MAX, isClosed, () => 'the connection stays open');
    });

    await t.test('a record that no key of the session has made', async () => {
      const plain = await open(listener);
      const socket = connect({ socket: plain, ca: pki.authority.certificatePem });
      socket.on('error', () => undefined);
      await once(socket, 'secureConnect');
      socket.resume();
      const isClosed = closeOf(socket);
      plain.write(Buffer.concat([Buffer.of(APPLICATION_DATA, 3, 3, 0, 64), Buffer.alloc(64)]));
      await within(CLOSE_MS_MAX, isClosed, () => 'the connection stays open');
    });

    isOver = true;
    const { sent, echoed } = await counting;
    t.ok(sent > 20, `${sent} sent`);
    t.equal(echoed, sent, 'each came back');
    t.match(await bindOnce(listener, []), /New, TLSv1\.3/, 'it serves on');
  });
}

/** Sends bytes and waits for the end, which the gateway brings about, or which the bytes are followed by. */
async function answerTo(server: ServerAddress, bytes: Uint8Array, after?: 'and end') {
  const socket = await open(server);
  const port = socket.localPort;
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  const isClosed = closeOf(socket);
  if (after === undefined) socket.write(bytes);
  else socket.end(bytes);
  await within(CLOSE_MS_MAX, isClosed, () => 'the connection stays open');
  return { port, answer: Buffer.concat(chunks) };
}

/** Resolves when a connection is over, however it ended. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

async function open(server: ServerAddress): Promise<Socket> {
  const socket = connectPlain({ ...server, noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

async function openSecure(server: ServerAddress, ca: string): Promise<Socket> {
  const socket = connect({ ...server, ca });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  // Or the end is never noticed.
  socket.resume();
  return socket;
}

/** Allocates over TLS; the function returned sends one packet after another, each once its predecessor came back. */
async function openRelay(t: Test, server: ServerAddress, ca: string, secret: string) {
  const peer = await openUdpEchoPeer();
  t.teardown(() => peer.close());
  const connection = connect({ ...server, ca });
  await once(connection, 'secureConnect');
  const credential = ephemeralCredential(secret, 'live');
  const client = await TurnClient.open({ server, connection, credential });
  t.teardown(() => client.close());
  await client.allocate();
  await client.channelBind(CHANNEL, peer.address);
  return async (isOver: () => boolean): Promise<{ sent: number; echoed: number }> => {
    let [sent, echoed] = [0, 0];
    while (!isOver()) {
      const text = `packet ${sent++}`;
      client.sendOnChannel(CHANNEL, Buffer.from(text));
      if ((await client.receive()).data.toString() === text) echoed++;
    }
    return { sent, echoed };
  };
}

/** The first record of a TLS client: its ClientHello. */
async function clientHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', port });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

/** The same message in more records (RFC 8446 §5.1). */
function inRecords(hello: Buffer, size: number): Buffer[] {
  const message = hello.subarray(RECORD_HEADER_BYTES);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.concat([hello.subarray(0, 3), Buffer.of(0, part.length), part]));
  }
  return records;
}

function withLongExtensions(hello: Buffer): Buffer {
  const changed = Buffer.from(hello);
  // The last extension is made longer than what is left.
  changed.fill(0xff, RECORD_HEADER_BYTES + 4 + 2 + 32 + 1 + 32 + 2 + 4);
  return changed;
}
