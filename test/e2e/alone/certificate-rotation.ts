import { writeFile } from 'node:fs/promises';
import { connect, type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { ephemeralCredential } from '../../support/credentials.ts';
import { openUdpEchoPeer } from '../../support/echo-peer.ts';
import { missingBuild } from '../../support/gateway-process.ts';
import {
  startSecureGateway,
  TestPki,
  tlsKeys,
  type SecureGateway,
} from '../../support/secure-gateway.ts';
import { TurnClient } from '../../support/turn-client.ts';
import type { ServerAddress } from '../../support/turn-transport.ts';

const skip = missingBuild();
const ROTATIONS = Number(process.env['TURNPIKE_TEST_ROTATIONS'] ?? 20);
const CORRUPT_PAIRS = 100;
const LIVE_CLIENTS = 10;
/** Clients that shake hands all the time. */
const NEWCOMERS = 4;

for (const mode of ['reactor', 'portable'] as const) {
  t.test(`${mode}: rotations disturb no handshake and no call`, { skip }, async (t) => {
    const { pki, pair, gateway, server, calls } = await openScene(t, mode);
    const newcomers = startNewcomers(server, pki.authority.certificatePem);
    const serials = new Set<string>();
    for (let rotation = 0; rotation < ROTATIONS; rotation++) {
      const serial = await pki.replace(pair);
      gateway.process.child.signal('SIGHUP');
      await untilServed(server, serial);
      serials.add(serial);
    }
    const { done, failures } = await newcomers.stop();
    const lost = await calls.stop();
    t.comment(`${serials.size} rotations, ${done} handshakes, ${lost.sent} packets relayed`);
    t.equal(serials.size, ROTATIONS);
    t.strictSame(failures, [], 'every handshake succeeds');
    t.ok(done > ROTATIONS, `${done} handshakes`);
    t.equal(lost.received, lost.sent, 'every packet of every call comes back');
    t.ok(lost.sent > LIVE_CLIENTS * 10, `${lost.sent} packets`);
  });

  t.test(`${mode}: corrupt pairs change nothing`, { skip }, async (t) => {
    const { pki, pair, gateway, server, calls } = await openScene(t, mode);
    const newcomers = startNewcomers(server, pki.authority.certificatePem);
    const before = (await peek(server)).serialNumber;
    const other = await pki.server();
    for (let count = 0; count < CORRUPT_PAIRS; count++) {
      await writeFile(pair.certFile, corrupt(other.certificatePem, count));
      gateway.process.child.signal('SIGHUP');
      t.equal((await peek(server)).serialNumber, before, `pair ${count}`);
    }
    const serial = await pki.replace(pair);
    gateway.process.child.signal('SIGHUP');
    await untilServed(server, serial);
    const { failures } = await newcomers.stop();
    const lost = await calls.stop();
    t.strictSame(failures, [], 'every handshake succeeds');
    t.equal(lost.received, lost.sent, 'every packet of every call comes back');
    const complaints = gateway.records(
      'new certificate files cannot be used, what was in use stays in use',
    );
    t.equal(complaints.length, 1, 'it is said once');
  });
}

async function openScene(t: Test, mode: 'reactor' | 'portable') {
  const pki = await TestPki.create(t);
  const pair = await pki.server();
  const gateway = await startSecureGateway(t, {
    mode,
    workers: mode === 'reactor' ? 2 : 1,
    listeners: { tls: { protocol: 'TURN-TLS', tls: tlsKeys(pair) } },
  });
  const server = gateway.server('tls');
  const calls = await startCalls(t, gateway, server, pki.authority.certificatePem);
  return { pki, pair, gateway, server, calls };
}

/** Clients that relay through channels without a pause, each as soon as its last packet has come back. */
async function startCalls(t: Test, gateway: SecureGateway, server: ServerAddress, ca: string) {
  const peer = await openUdpEchoPeer();
  t.teardown(() => peer.close());
  const credential = ephemeralCredential(gateway.secret, 'alice');
  const counts = { sent: 0, received: 0 };
  const stopping = new AbortController();
  const calls = await Promise.all(
    Array.from({ length: LIVE_CLIENTS }, async () => {
      const connection = await secureConnection(server, ca);
      const client = await TurnClient.open({ server, connection, credential });
      t.teardown(() => client.close());
      await client.allocate();
      await client.channelBind(0x4000, peer.address);
      return client;
    }),
  );
  const running = calls.map(async (client) => {
    while (!stopping.signal.aborted) {
      counts.sent++;
      client.sendOnChannel(0x4000, Buffer.from('still there?'));
      await client.receive();
      counts.received++;
    }
  });
  return {
    async stop() {
      stopping.abort();
      await Promise.all(running);
      return counts;
    },
  };
}

function startNewcomers(server: ServerAddress, ca: string) {
  const failures: string[] = [];
  let done = 0;
  const stopping = new AbortController();
  const running = Array.from({ length: NEWCOMERS }, async () => {
    while (!stopping.signal.aborted) {
      try {
        const socket = await secureConnection(server, ca);
        done++;
        socket.destroy();
      } catch (error) {
        failures.push(String(error));
      }
    }
  });
  return {
    async stop() {
      stopping.abort();
      await Promise.all(running);
      return { done, failures };
    },
  };
}

function secureConnection({ host, port }: ServerAddress, ca: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, ca, servername: 'localhost' }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** The certificate that the server shows now. */
function peek({ host, port }: ServerAddress): Promise<{ readonly serialNumber: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, rejectUnauthorized: false }, () => {
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      resolve({ serialNumber });
    });
    socket.once('error', reject);
  });
}

/** Workers hear of a new certificate one after the other, and any of them may answer. */
async function untilServed(server: ServerAddress, serial: string): Promise<void> {
  for (let attempt = 0; attempt < 10_000; attempt++) {
    const { serialNumber } = await peek(server);
    if (BigInt(`0x${serialNumber}`) === BigInt(`0x${serial}`)) return;
  }
  throw new Error(`certificate ${serial} is not served`);
}

/** A different ruin of a certificate for every count. */
function corrupt(pem: string, count: number): string {
  const ruins = [
    pem,
    pem.slice(0, 40 + count * 3),
    '',
    pem.replaceAll(/[A-Z]/g, 'A'),
    `-----BEGIN CERTIFICATE-----\n${'A'.repeat(count)}\n-----END CERTIFICATE-----\n`,
  ];
  return ruins[count % ruins.length]!;
}
