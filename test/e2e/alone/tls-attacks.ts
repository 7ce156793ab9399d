import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import t from 'tap';
import { checkOpenSsl } from '../../../src/sys/openssl.ts';
import { within } from '../../support/child-process.ts';
import { ephemeralCredential } from '../../support/credentials.ts';
import { missingBuild } from '../../support/gateway-process.ts';
import { startSecureGateway, TestPki, tlsKeys } from '../../support/secure-gateway.ts';
import { openHandWrittenTls } from '../../support/tls-record-writer.ts';
import { TurnClient } from '../../support/turn-client.ts';
import type { ServerAddress } from '../../support/turn-transport.ts';

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const CLOSE_MS_MAX = 20_000;
const BINDING_REQUEST = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');
const BINDING_INDICATION = Buffer.from('001100002112a442000102030405060708090a0b', 'hex');

/** Far more than the sockets of both sides hold. */
const RENEGOTIATIONS_MAX = 1_000_000;
const RENEGOTIATIONS_PER_WRITE = 10_000;
const FLOODING_CONNECTIONS = 8;
const HANDSHAKES_DURING_FLOOD = 20;

const openSsl = checkOpenSsl();
const skip = missingBuild() || (!openSsl.supported && openSsl.reason);

t.test('clients of TLS that behave badly', { skip }, async (t) => {
  const pki = await TestPki.create(t);
  const tls = tlsKeys(await pki.server());
  const ca = pki.authority.certificatePem;
  const gateway = await startSecureGateway(t, {
    workers: 1,
    listeners: {
      tls: { protocol: 'TURN-TLS', tls },
      'also-plain': { protocol: 'TURN-TLS', also_plain: true, tls },
      'by-certificate': {
        protocol: 'TURN-TLS',
        tls: { ...tls, client_ca_file: pki.caFile, client_auth: 'require' },
      },
    },
  });
  const server = gateway.server('tls');

  await t.test('renegotiations whose answers are not read', async (t) => {
    const { plain, secure, encrypt } = await openHandWrittenTls(server);
    t.teardown(() => plain.destroy());
    const credential = ephemeralCredential(gateway.secret, 'alice');
    const client = await TurnClient.open({ server, connection: secure, credential });
    await client.allocate();
    const address = `127.0.0.1:${plain.localPort}`;
    plain.pause();
    let sent = 0;
    for (; sent < RENEGOTIATIONS_MAX && !plain.closed; sent += RENEGOTIATIONS_PER_WRITE) {
      const hellos = Array.from({ length: RENEGOTIATIONS_PER_WRITE }, () =>
        encrypt(HANDSHAKE, Buffer.of(CLIENT_HELLO, 0, 0, 0)),
      );
      await written(plain, Buffer.concat(hellos));
    }
    t.ok(plain.closed, `the gateway closes the connection after ${sent} hellos at the latest`);
    await gateway.recorded('allocation ended', { client: address });
    t.ok(await isServed({ ...server, ca }), 'others are served');
  });

  await t.test('a first record that claims a ClientHello of 131,000 bytes', async (t) => {
    const claim = Buffer.from('16030140000101ffb80303', 'hex');
    const hello = Buffer.concat([claim, Buffer.alloc(1000)]);
    const pieces = {
      'in one piece': [hello],
      'byte by byte': [...hello.subarray(0, 20)].map((byte) => Buffer.of(byte)),
    };
    for (const [what, parts] of Object.entries(pieces)) {
      const socket = await openPlain(server);
      const client = `127.0.0.1:${socket.localPort}`;
      const closed = closeOf(socket);
      for (const part of parts) await written(socket, part);
      await closed;
      const fields = { listener: 'tls', client, reason: 'the hello is too long' };
      t.ok(await gateway.recorded('handshake failed', fields), what);
    }
  });

  await t.test('a long hello is none', async (t) => {
    const names = Array.from({ length: 100 }, (_, index) => `protocol-${index}`.padEnd(80, '.'));
    const versions = ['TLSv1.2', 'TLSv1.3'] as const;
    for (const maxVersion of versions) {
      const ALPNProtocols = [...names, 'stun.turn'];
      const socket = await openSecure({ ...server, ca, maxVersion, ALPNProtocols });
      t.equal(socket?.alpnProtocol, 'stun.turn', `${maxVersion}: it was read to its end`);
      socket?.destroy();
    }
  });

  await t.test('eight connections that never pause do not keep others out', async (t) => {
    const flooded = gateway.server('also-plain');
    const floods = await Promise.all(
      Array.from({ length: FLOODING_CONNECTIONS }, () => openPlain(flooded)),
    );
    t.teardown(() => floods.forEach((socket) => socket.destroy()));
    const indications = Buffer.concat(Array<Buffer>(3000).fill(BINDING_INDICATION));
    for (const socket of floods) {
      const flood = (): void => {
        while (socket.write(indications));
      };
      socket.on('drain', flood);
      flood();
    }
    let served = 0;
    for (; served < HANDSHAKES_DURING_FLOOD; served++) {
      if (!(await isServed({ ...flooded, ca, localAddress: '127.0.0.2' }))) break;
    }
    t.equal(served, HANDSHAKES_DURING_FLOOD);
    t.ok(
      floods.every(({ closed }) => !closed),
      'none of them was closed meanwhile',
    );
  });

  await t.test('acme-tls/1 opens no door where there is no challenge', async (t) => {
    const byCertificate = { ...gateway.server('by-certificate'), ca };
    const { certificatePem: cert, keyPem: key } = await pki.client();
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      for (const ALPNProtocols of [['acme-tls/1'], ['stun.turn', 'acme-tls/1']]) {
        const options = { ...byCertificate, maxVersion, ALPNProtocols };
        const what = `${maxVersion} ${ALPNProtocols.join(' ')}`;
        t.notOk(await isServed(options), `${what}: no access`);
        t.ok(await isServed({ ...options, cert, key }), `${what}: with a certificate as ever`);
      }
    }
    await gateway.recorded('handshake failed', {
      listener: 'by-certificate',
      reason: 'peer did not return a certificate',
    });
  });
});

async function openPlain(server: ServerAddress): Promise<Socket> {
  const socket = connectPlain({ ...server, noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.resume();
  return socket;
}

type SecureOptions = ConnectionOptions & ServerAddress & { readonly localAddress?: string };

/** Undefined when the server closes the connection instead. */
async function openSecure(options: SecureOptions): Promise<TLSSocket | undefined> {
  const { host, port, localAddress } = options;
  const plain = connectPlain({ host, port, localAddress });
  const socket = connect({ ...options, socket: plain });
  for (const each of [plain, socket]) each.on('error', () => undefined);
  const outcome = new Promise<TLSSocket | undefined>((resolve) => {
    socket.once('secureConnect', () => resolve(socket));
    socket.once('close', () => resolve(undefined));
  });
  return within(CLOSE_MS_MAX, outcome, () => 'neither a handshake nor the end');
}

/** True when a Binding request is answered over a new connection. */
async function isServed(options: SecureOptions): Promise<boolean> {
  const socket = await openSecure(options);
  if (socket === undefined) return false;
  const outcome = new Promise<boolean>((resolve) => {
    socket.once('data', (answer: Buffer) => resolve(answer.readUInt16BE(0) === 0x0101));
    socket.once('close', () => resolve(false));
  });
  socket.write(BINDING_REQUEST);
  const text = () => 'neither an answer nor the end';
  return within(CLOSE_MS_MAX, outcome, text).finally(() => socket.destroy());
}

/** Resolves once the socket has taken the bytes, or is closed. */
function written(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('close', done);
      resolve();
    };
    socket.once('close', done);
    socket.write(bytes, done);
  });
}

function closeOf(socket: Socket): Promise<void> {
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return within(CLOSE_MS_MAX, closed, () => 'the connection stays open');
}
