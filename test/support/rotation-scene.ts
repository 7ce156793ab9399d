import { writeFile } from 'node:fs/promises';
import { connect, type TLSSocket } from 'node:tls';
import type { CertificateFiles } from './certificate-authority.ts';
import { ephemeralCredential } from './credentials.ts';
import { openUdpEchoPeer } from './echo-peer.ts';
import type { Owner } from './owner.ts';
import type { LoadCount } from './relay-load.ts';
import { startSecureGateway, TestPki, tlsKeys, type SecureGateway } from './secure-gateway.ts';
import { TurnClient } from './turn-client.ts';
import type { ServerAddress } from './turn-transport.ts';

const LIVE_CLIENTS = 10;
/** Clients that shake hands all the time. */
const NEWCOMERS = 4;

/** What became of handshakes and calls while certificates changed. */
export interface Meanwhile {
  readonly handshakes: number;
  /** Handshakes that failed, in words. */
  readonly failures: readonly string[];
  readonly calls: LoadCount;
}

/** A gateway whose certificate changes while clients shake hands and relay all the time. */
export class RotationScene {
  readonly gateway: SecureGateway;
  readonly #pki: TestPki;
  readonly #pair: CertificateFiles;
  readonly #server: ServerAddress;
  readonly #stopCalls: () => Promise<LoadCount>;
  readonly #stopNewcomers: () => Promise<Omit<Meanwhile, 'calls'>>;

  private constructor(
    gateway: SecureGateway,
    pki: TestPki,
    pair: CertificateFiles,
    stopCalls: () => Promise<LoadCount>,
  ) {
    this.gateway = gateway;
    this.#pki = pki;
    this.#pair = pair;
    this.#server = gateway.server('tls');
    this.#stopCalls = stopCalls;
    this.#stopNewcomers = startNewcomers(this.#server, pki.authority.certificatePem);
  }

  /** Starts everything; it ends with its owner, or with `stop`. */
  static async open(owner: Owner, mode: 'reactor' | 'portable'): Promise<RotationScene> {
    const pki = await TestPki.create(owner);
    const pair = await pki.server();
    const gateway = await startSecureGateway(owner, {
      mode,
      workers: mode === 'reactor' ? 2 : 1,
      listeners: { tls: { protocol: 'TURN-TLS', tls: tlsKeys(pair) } },
    });
    const stopCalls = await startCalls(owner, gateway, pki.authority.certificatePem);
    return new RotationScene(gateway, pki, pair, stopCalls);
  }

  /** Puts a new certificate in place; resolves with its serial number once it is served. */
  async rotate(): Promise<string> {
    const serial = await this.#pki.replace(this.#pair);
    this.gateway.process.child.signal('SIGHUP');
    await this.#untilServed(serial);
    return serial;
  }

  /** Ruins the certificate file in one way after the other; resolves with how often another one was served then. */
  async corrupt(times: number): Promise<number> {
    const { serialNumber } = await peek(this.#server);
    const other = await this.#pki.server();
    let changed = 0;
    for (let count = 0; count < times; count++) {
      await writeFile(this.#pair.certFile, ruined(other.certificatePem, count));
      this.gateway.process.child.signal('SIGHUP');
      if ((await peek(this.#server)).serialNumber !== serialNumber) changed++;
    }
    return changed;
  }

  /** Ends calls and newcomers. */
  async stop(): Promise<Meanwhile> {
    return { ...(await this.#stopNewcomers()), calls: await this.#stopCalls() };
  }

  /** Workers hear of a new certificate one after the other, and any of them may answer. */
  async #untilServed(serial: string): Promise<void> {
    for (let attempt = 0; attempt < 10_000; attempt++) {
      const { serialNumber } = await peek(this.#server);
      if (BigInt(`0x${serialNumber}`) === BigInt(`0x${serial}`)) return;
    }
    throw new Error(`certificate ${serial} is not served`);
  }
}

/** Clients that relay through channels without a pause, each as soon as its last packet has come back. */
async function startCalls(
  owner: Owner,
  gateway: SecureGateway,
  ca: string,
): Promise<() => Promise<LoadCount>> {
  const peer = await openUdpEchoPeer();
  owner.teardown(() => peer.close());
  const server = gateway.server('tls');
  const credential = ephemeralCredential(gateway.secret, 'alice');
  const counts = { sent: 0, received: 0 };
  const stopping = new AbortController();
  const calls = await Promise.all(
    Array.from({ length: LIVE_CLIENTS }, async () => {
      const connection = await secureConnection(server, ca);
      const client = await TurnClient.open({ server, connection, credential });
      owner.teardown(() => client.close());
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
  return async () => {
    stopping.abort();
    await Promise.all(running);
    return counts;
  };
}

function startNewcomers(
  server: ServerAddress,
  ca: string,
): () => Promise<Omit<Meanwhile, 'calls'>> {
  const failures: string[] = [];
  let handshakes = 0;
  const stopping = new AbortController();
  const running = Array.from({ length: NEWCOMERS }, async () => {
    while (!stopping.signal.aborted) {
      try {
        const socket = await secureConnection(server, ca);
        handshakes++;
        socket.destroy();
      } catch (error) {
        failures.push(String(error));
      }
    }
  });
  return async () => {
    stopping.abort();
    await Promise.all(running);
    return { handshakes, failures };
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

/** A different ruin of a certificate for every count. */
function ruined(pem: string, count: number): string {
  const ruins = [
    pem,
    pem.slice(0, 40 + count * 3),
    '',
    pem.replaceAll(/[A-Z]/g, 'A'),
    `-----BEGIN CERTIFICATE-----\n${'A'.repeat(count)}\n-----END CERTIFICATE-----\n`,
  ];
  return ruins[count % ruins.length]!;
}
