import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { missingTool, type CommandResult } from '../support/child-process.ts';
import {
  relayFault,
  runUclient,
  startEchoPeers,
  type UclientTarget,
} from '../support/coturn-tools.ts';
import { DatagramProxy, type Direction } from '../support/datagram-proxy.ts';
import { garbage } from '../support/garbage.ts';
import { missingBuild } from '../support/gateway-process.ts';
import {
  ALPN_CASES,
  caseListeners,
  CIPHER_CASES_1_2,
  CURVE_CASES,
  SNI_CASES,
  testHandshakes,
} from '../support/handshake-cases.ts';
import {
  awaitCertificate,
  bindOnce,
  missingOpenSsl,
  OpenSslClient,
  refusedOutput,
} from '../support/openssl-client.ts';
import { startSecureGateway, TestPki, tlsKeys } from '../support/secure-gateway.ts';
import type { ServerAddress } from '../support/turn-transport.ts';

const DTLS = '-dtls1_2';
/** So many associations reach both of two workers. */
const RESUMPTIONS = 8;
const CLIENT_RUN_MS_MAX = 30_000;
const GARBAGE_DATAGRAMS = 2000;
const ALERT = 21;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;
const RECORD_HEADER_BYTES = 13;
const BINDING_REQUEST = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');

// Debian's client has no words for the messages of DTLS: an alert is its level and its number (RFC 5246 §7.2).
const RENEGOTIATION_REFUSED = /<<< .*content_type=21\) \[length 0002\]\n\s+01 64\n/;
const CLOSE_NOTIFY = /<<< .*content_type=21\) \[length 0002\]\n\s+01 00\n/;

const skip = missingBuild() || missingOpenSsl();

t.test('DTLS handshakes of openssl s_client', { skip }, async (t) => {
  const pki = await TestPki.create(t);
  const keys = tlsKeys(await pki.server());
  const rotated = await pki.server();
  const gateway = await startSecureGateway(t, {
    workers: 2,
    listeners: {
      ...(await caseListeners(pki, 'TURN-DTLS')),
      ipv6: { protocol: 'TURN-DTLS', bind: '::1', tls: keys },
      'also-plain': { protocol: 'TURN-DTLS', also_plain: true, tls: keys },
      rotated: { protocol: 'TURN-DTLS', tls: tlsKeys(rotated) },
    },
  });
  const listener = gateway.server('default');

  await t.test('versions and addresses', async (t) => {
    const addresses = { default: '127.0.0.1', ipv6: '::1', 'also-plain': '127.0.0.1' };
    for (const [name, ip] of Object.entries(addresses)) {
      // No version is named: the best one in common.
      const client = new OpenSslClient(gateway.server(name), ['-dtls', '-CAfile', pki.caFile]);
      t.equal((await client.binding()).ip(), ip);
      const output = await client.quit();
      t.match(output, /Protocol {2}: DTLSv1\.2\n/);
      t.match(output, /Verify return code: 0 \(ok\)/);
    }
    const old = await refusedOutput(listener, ['-dtls1', '-cipher', 'ALL:@SECLEVEL=0']);
    t.match(old, /alert protocol version/);
    const fields = { listener: 'default', transport: 'dtls', reason: 'unsupported protocol' };
    await gateway.recorded('handshake failed', fields);
  });

  await t.test('server names, application protocols, ciphers, curves', async (t) => {
    const cases = [...SNI_CASES, ...ALPN_CASES, ...CURVE_CASES, ...CIPHER_CASES_1_2];
    await testHandshakes(t, gateway, DTLS, pki.caFile, cases);
    t.match(await bindOnce(listener, [DTLS, '-alpn', 'h2,webrtc']), /No ALPN negotiated/);
  });

  await t.test('sessions are resumed', async (t) => {
    const session = join(pki.folder, 'dtls.session');
    const server = gateway.server('rotated');
    t.match(await bindOnce(server, [DTLS, '-sess_out', session]), /New, TLSv1\.2, Cipher is /);
    const resume = async (what: string): Promise<void> => {
      const runs = Array.from({ length: RESUMPTIONS }, () =>
        bindOnce(server, [DTLS, '-sess_in', session]),
      );
      for (const output of await Promise.all(runs)) {
        t.match(output, /Reused, TLSv1\.2, Cipher is /, what);
      }
    };
    await resume('at once');
    await awaitCertificate(server, await pki.replace(rotated), [DTLS]);
    await resume('with a new certificate');
  });

  await t.test('no renegotiation', async (t) => {
    const client = new OpenSslClient(listener, [DTLS, '-msg']);
    await client.binding();
    client.write('R\n');
    const output = await client.end();
    t.match(output, /RENEGOTIATING/);
    t.match(output, RENEGOTIATION_REFUSED);
    t.match(await bindOnce(listener, [DTLS]), /New, TLSv1\.2/, 'it serves on');
  });

  await t.test('datagrams that get lost are sent again', async (t) => {
    // What each side sends: hello, hello with cookie, keys and Finished; cookie, certificate, Finished.
    const losses: [Direction, number][] = (['toServer', 'toClient'] as const).flatMap((way) =>
      [0, 1, 2].map((index): [Direction, number] => [way, index]),
    );
    await Promise.all(
      losses.map(async ([way, index]) => {
        const isLost = (direction: Direction, at: number) => direction === way && at === index;
        const proxy = await openProxy(t, listener, isLost);
        t.match(await bindOnce(proxy.address, [DTLS]), /New, TLSv1\.2/, `${way} ${index}`);
      }),
    );
  });

  await t.test('a live association takes no harm from forged datagrams', async (t) => {
    const proxy = await openProxy(t, listener);
    // Otherwise the client waits for the next datagram when one that it drops has woken it.
    const client = new OpenSslClient(proxy.address, [DTLS, '-nbio']);
    const reflexive = await client.binding();
    const [hello, helloWithCookie] = proxy.seen.toServer;
    const records = proxy.seen.toServer.slice();
    const forged: Record<string, readonly Uint8Array[]> = {
      'a hello without cookie': [hello!],
      'hellos with cookie, again and again': Array.from({ length: 20 }, () => helloWithCookie!),
      'everything once more': records,
      'alerts that nobody signed': [alertRecord(0, 2, 40), alertRecord(0, 1, 0)],
      'alerts that are signed wrong': [alertRecord(1, 2, 40), alertRecord(1, 1, 0)],
      'records of another epoch': records.map((record) => withEpoch(record, 2)),
      'every record, one bit changed': records.map(withBitChanged),
      garbage: Array.from({ length: 200 }, (_, index) => garbage(index)),
      'plain STUN': [BINDING_REQUEST],
    };
    for (const [what, datagrams] of Object.entries(forged)) {
      for (const datagram of datagrams) proxy.inject(datagram);
      t.ok((await client.binding()).equals(reflexive), what);
    }
    await client.quit();
  });

  await t.test('nor from encrypted records of any length that nobody encrypted', async (t) => {
    const ciphers = [
      ['default', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
      ['default', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
      ['with-cbc', 'ECDHE-ECDSA-AES128-SHA256'],
    ] as const;
    for (const [name, cipher] of ciphers) {
      const proxy = await openProxy(t, gateway.server(name));
      const client = new OpenSslClient(proxy.address, [DTLS, '-nbio', '-cipher', cipher]);
      await client.binding();
      for (const contentType of [ALERT, HANDSHAKE, APPLICATION_DATA]) {
        for (let length = 0; length <= 100; length++) {
          const header = Buffer.of(contentType, 0xfe, 0xfd, 0, 1, 0, 0, 0, 1, 0, length, 0, length);
          proxy.inject(Buffer.concat([header, Buffer.alloc(length, length)]));
        }
      }
      t.ok(await client.binding(), cipher);
      await client.vanish();
    }
  });

  await t.test('datagrams that are no DTLS, next to a live relay', async (t) => {
    const isMissing = missingTool('turnutils_uclient', 'turnutils_peer') !== false;
    const peers = isMissing ? undefined : await startEchoPeers(['127.0.0.1']);
    t.teardown(() => peers?.stop());
    const target = { ...listener, secret: gateway.secret };
    const live = peers && relayMeanwhile(target, peers.port);
    const hello = await firstHello();
    const socket = await openSocket(t);
    const answers: Buffer[] = [];
    socket.on('message', (answer) => answers.push(answer));
    const send = (datagram: Uint8Array): Promise<void> =>
      new Promise((resolve) =>
        socket.send(datagram, listener.port, listener.host, () => resolve()),
      );
    const oneByOne = async (datagrams: readonly Uint8Array[]): Promise<void> => {
      for (const datagram of datagrams) await send(datagram);
      // The gateway serves on, and has read all of the above before it answers this one.
      await bindOnce(listener, [DTLS]);
    };
    await oneByOne(
      Array.from({ length: hello.length - 1 }, (_, length) => hello.subarray(0, length)),
    );
    t.same(answers, [], 'a hello cut at every length is not answered');
    await oneByOne(splitHello(hello));
    t.same(answers, [], 'nor is one in fragments');
    await oneByOne(lyingHellos(hello));
    t.same(answers, [], 'nor one that claims to be longer than it is');
    await oneByOne([BINDING_REQUEST]);
    t.same(answers, [], 'nor plain STUN');
    await oneByOne(Array.from({ length: GARBAGE_DATAGRAMS }, (_, index) => garbage(index)));
    answers.length = 0;
    await oneByOne([hello]);
    t.equal(answers.length, 1, 'a whole one is');
    t.ok(answers[0]!.length < hello.length, 'with less than was sent');
    if (live !== undefined) {
      const result = await live;
      t.equal(relayFault(result), undefined, 'the live relay', { output: result.output });
    }
  });

  await t.test('plain UDP where it is allowed', async (t) => {
    const socket = await openSocket(t);
    const { host, port } = gateway.server('also-plain');
    socket.send(BINDING_REQUEST, port, host);
    const [answer] = (await once(socket, 'message')) as [Buffer];
    t.equal(answer.readUInt16BE(0), 0x0101, 'a Binding success response');
  });

  await t.test('close_notify at the end', async (t) => {
    const client = new OpenSslClient(listener, [DTLS, '-msg']);
    await client.binding();
    await gateway.process.child.stop();
    t.match(await client.end(), CLOSE_NOTIFY);
  });
});

async function openProxy(
  t: Test,
  server: ServerAddress,
  isLost?: (direction: Direction, index: number) => boolean,
): Promise<DatagramProxy> {
  const proxy = await DatagramProxy.open(server, isLost);
  t.teardown(() => proxy.close());
  return proxy;
}

async function openSocket(t: Test): Promise<Socket> {
  const socket = createSocket('udp4');
  t.teardown(() => socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** A run of coturn's client over DTLS; resolves with its result. */
function relayMeanwhile(target: UclientTarget, peerPort: number): Promise<CommandResult> {
  const flags = ['-S', '-c', '-n', '150', '-z', '10', '-e', '127.0.0.1', '-r', `${peerPort}`];
  return runUclient(target, flags, CLIENT_RUN_MS_MAX);
}

/** The first datagram of a DTLS client: a ClientHello without cookie. */
async function firstHello(): Promise<Buffer> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  const client = new OpenSslClient({ host: '127.0.0.1', port }, [DTLS]);
  const [hello] = (await once(socket, 'message')) as [Buffer];
  // The client learns that nobody is there.
  socket.close();
  await client.end();
  return hello;
}

function alertRecord(epoch: number, level: number, description: number): Buffer {
  const sequenceNumber = [0, 0, 0, 0, 0, 99];
  return Buffer.of(ALERT, 0xfe, 0xfd, 0, epoch, ...sequenceNumber, 0, 2, level, description);
}

function withEpoch(record: Buffer, epoch: number): Buffer {
  const changed = Buffer.from(record);
  changed.writeUInt16BE(epoch, 3);
  return changed;
}

function withBitChanged(record: Buffer): Buffer {
  const changed = Buffer.from(record);
  changed[changed.length - 1]! ^= 1;
  return changed;
}

/** The hello in two handshake fragments, which a server without state cannot put together (RFC 6347 §4.2.3). */
function splitHello(hello: Buffer): Buffer[] {
  const header = 12;
  const body = hello.subarray(RECORD_HEADER_BYTES + header);
  return [body.subarray(0, 60), body.subarray(60)].map((part, index) => {
    const fragment = Buffer.concat([hello.subarray(0, RECORD_HEADER_BYTES + header), part]);
    fragment.writeUInt16BE(header + part.length, 11);
    fragment.writeUIntBE(index * 60, RECORD_HEADER_BYTES + 6, 3);
    fragment.writeUIntBE(part.length, RECORD_HEADER_BYTES + 9, 3);
    return fragment;
  });
}

/** Lengths of record, message and fragment that promise more than there is. */
function lyingHellos(hello: Buffer): Buffer[] {
  const lies: [number, number][] = [
    [11, 2],
    [RECORD_HEADER_BYTES + 1, 3],
    [RECORD_HEADER_BYTES + 9, 3],
  ];
  return lies.map(([offset, bytes]) => {
    const changed = Buffer.from(hello);
    changed.fill(0xff, offset, offset + bytes);
    return changed;
  });
}
