import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { DatagramProxy } from '../support/datagram-proxy.ts';
import { DtlsClient, missingDtlsClient } from '../support/dtls-client.ts';
import { dtlsHello, dtlsHelloWithCookie } from '../support/dtls-hello.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { testDefects } from '../support/known-defect.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';
import { poll } from '../support/poll.ts';
import { TestPki, tlsKeys } from '../support/secure-gateway.ts';
import { TurnClient } from '../support/turn-client.ts';
import type { ServerAddress } from '../support/turn-transport.ts';

const LISTENER = 'dtls';
const DATAGRAMS = 1000;
const APPLICATION_DATA = 23;
const CHANGE_CIPHER_SPEC = 20;
const ALERT = 21;
const HANDSHAKE = 22;
const RECORD_BYTES = 64;
/** Answers to a client up to which it is attacked in its handshake: forged hellos are answered as well. */
const HANDSHAKE_DATAGRAMS = 6;

const missing = missingBuild() || missingDtlsClient();

if (missing !== false) t.pass('known defects of DTLS', { skip: missing });
else {
  const gateway = await startGateway(t);
  await testDefects([
    {
      id: 'GHSA-5x2p-4vqj-f6m4, coturn c36aeaa7',
      cause: 'a ClientHello without a cookie cost 120 kB and a key',
      check: (t) => expectNoState(t, gateway, () => dtlsHello()),
    },
    {
      id: 'coturn 44aabc0d',
      cause: 'a ClientHello with a cookie that nobody issued was believed',
      check: (t) =>
        expectNoState(t, gateway, (index) =>
          dtlsHelloWithCookie(Buffer.alloc(16 + (index % 17), index)),
        ),
    },
    {
      id: 'coturn 37e13d1d',
      cause: 'records of application data from anybody began a session',
      check: (t) =>
        expectNoState(t, gateway, (index) => {
          const types = [APPLICATION_DATA, CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE];
          return record(types[index % types.length]!, index % 3);
        }),
    },
    {
      id: 'CVE-2023-51275, ES2023-01 to ES2023-03',
      cause: 'a ClientHello of an attacker ended the handshake or call of somebody else',
      check: async (t) => {
        // In the name of the client, in the middle of its handshake and afterwards.
        const proxy: DatagramProxy = await DatagramProxy.open(
          gateway.server,
          (direction, index) => {
            const isInHandshake = direction === 'toClient' && index < HANDSHAKE_DATAGRAMS;
            if (isInHandshake) for (const forged of forgedHellos()) proxy.inject(forged);
            return false;
          },
        );
        t.teardown(() => proxy.close());
        const client = await openClient(t, proxy.address);
        const reflexive = await client.binding();
        for (let round = 0; round < 20; round++) {
          for (const forged of forgedHellos()) proxy.inject(forged);
          t.ok((await client.binding()).equals(reflexive), `round ${round}`);
        }
      },
    },
  ]);
}

async function startGateway(t: Test): Promise<OperatedGateway> {
  const pki = await TestPki.create(t);
  const tls = tlsKeys(await pki.server());
  return OperatedGateway.start(t, ({ turn }) => ({
    listeners: [
      {
        name: LISTENER,
        protocol: 'TURN-DTLS',
        bind: '127.0.0.1',
        port: turn,
        tls,
        routes: ['peers'],
      },
    ],
  }));
}

async function openClient(t: Test, server: ServerAddress): Promise<TurnClient> {
  const connection = await DtlsClient.connect(server);
  const client = await TurnClient.open({ server, connection });
  t.teardown(() => client.close());
  return client;
}

/** Many datagrams, each from a port of its own where it matters, begin no association; a real client does. */
async function expectNoState(
  t: Test,
  gateway: OperatedGateway,
  datagram: (index: number) => Uint8Array,
): Promise<void> {
  const before = await associations(gateway);
  const sockets = Array.from({ length: 20 }, () => createSocket('udp4'));
  for (const socket of sockets) {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
  }
  const { host, port } = gateway.server;
  for (let index = 0; index < DATAGRAMS; index++) {
    const socket = sockets[index % sockets.length]!;
    await new Promise((resolve) => socket.send(datagram(index), port, host, resolve));
  }
  await openClient(t, gateway.server);
  const after = await poll(
    () => associations(gateway),
    (count) => count > before,
  );
  for (const socket of sockets) socket.close();
  t.equal(after - before, 1, `the only association after ${DATAGRAMS} datagrams is a real one`);
}

async function associations(gateway: OperatedGateway): Promise<number> {
  return (await gateway.metric(`stunner_listener_connections_total{name="${LISTENER}"}`)) ?? 0;
}

function forgedHellos(): Uint8Array[] {
  const noCiphers = dtlsHello();
  // The only cipher becomes one that nobody has.
  noCiphers.set([0xfa, 0xfa], noCiphers.indexOf(Buffer.from('c02b', 'hex')));
  return [dtlsHello(), noCiphers, dtlsHelloWithCookie(Buffer.alloc(20, 7))];
}

/** A record of DTLS 1.2 that is noise. */
function record(contentType: number, epoch: number): Uint8Array {
  const header = Buffer.of(contentType, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 1, 0, RECORD_BYTES);
  return Buffer.concat([header, Buffer.alloc(RECORD_BYTES, 0xa5)]);
}
