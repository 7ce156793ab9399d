import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CertificateAuthority,
  writeCertificate,
  type CertificateFiles,
  type CertificateOptions,
  type TestCertificate,
} from './certificate-authority.ts';
import { freePorts } from './free-ports.ts';
import {
  configurationFor,
  flagsFor,
  startReady,
  type ConfigurationData,
  type GatewayProcess,
  NO_LIMITS,
} from './gateway-process.ts';
import type { Owner } from './owner.ts';
import { LOOPBACK_SERVER, type ServerOptions } from './server-under-test.ts';
import type { ServerAddress } from './turn-transport.ts';

/** A listener with keys of the configuration file; `bind` is IPv4 loopback unless given. */
export type SecureListener = Readonly<Record<string, unknown>> & {
  readonly protocol: 'TURN-TLS' | 'TURN-DTLS' | 'TURN-TCP' | 'TURN-UDP';
  readonly bind?: string;
};

/** What a gateway for tests of TLS and DTLS serves. */
export interface SecureGatewayOptions extends Partial<ServerOptions> {
  /** Listeners by name; each has a port of its own. */
  readonly listeners: Readonly<Record<string, SecureListener>>;
  readonly workers?: number;
  /** Further top-level keys of the configuration. */
  readonly changes?: ConfigurationData;
}

/** A record of the gateway's log. */
export interface GatewayRecord {
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A running gateway with listeners for TLS and DTLS. */
export interface SecureGateway {
  readonly process: GatewayProcess;
  readonly secret: string;
  /** Where a listener is reached. */
  server(name: string): ServerAddress;
  /** What it has logged so far. */
  records(message: string): GatewayRecord[];
  /** Waits for a record with this message and these fields, those already logged included. */
  recorded(message: string, fields?: Readonly<Record<string, unknown>>): Promise<GatewayRecord>;
}

/** Starts a gateway, which ends with the test. */
export async function startSecureGateway(
  owner: Owner,
  options: SecureGatewayOptions,
): Promise<SecureGateway> {
  const { listeners, workers = 1, changes = {}, ...server } = options;
  const complete = { ...LOOPBACK_SERVER, ...server };
  const names = Object.keys(listeners);
  const icePort = await freePorts(names.length + 1);
  const addressOf = (name: string): ServerAddress => ({
    host: listeners[name]!.bind ?? '127.0.0.1',
    port: icePort + 1 + names.indexOf(name),
  });
  const base = configurationFor(complete, 0, icePort);
  const gateway = await startReady(
    {
      ...base,
      limits: NO_LIMITS,
      relay: { ...base.relay, workers },
      listeners: names.map((name) => ({
        name,
        bind: addressOf(name).host,
        port: addressOf(name).port,
        routes: ['peers'],
        ...listeners[name],
      })),
      ...changes,
    },
    flagsFor(complete),
  );
  owner.teardown(() => gateway.stop());
  return {
    process: gateway,
    secret: complete.secret,
    server: addressOf,
    records: (message) => recordsOf(gateway).filter(({ msg }) => msg === message),
    async recorded(message, fields = {}) {
      const line = await gateway.child.waitForLine((each) => {
        const record = recordOf(each);
        return record?.msg === message && hasFields(record, fields);
      });
      return recordOf(line)!;
    },
  };
}

/** A certificate authority with a folder of its own, which is removed after the test. */
export class TestPki {
  readonly folder: string;
  readonly authority: CertificateAuthority;
  readonly caFile: string;
  #count = 0;

  private constructor(folder: string, authority: CertificateAuthority, caFile: string) {
    this.folder = folder;
    this.authority = authority;
    this.caFile = caFile;
  }

  /** Makes the authority and writes its certificate. */
  static async create(owner: Owner): Promise<TestPki> {
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-pki-'));
    owner.teardown(() => rm(folder, { recursive: true }));
    const authority = await CertificateAuthority.create();
    return new TestPki(folder, authority, await authority.writeTo(folder));
  }

  /** Issues a certificate for a server and writes it. */
  async server(options: CertificateOptions = {}) {
    return this.write(await this.authority.issueServer(options));
  }

  /** Issues a certificate for a client and writes it. */
  async client(options: CertificateOptions = {}) {
    return this.write(await this.authority.issueClient(options));
  }

  /** Puts a new certificate of the same authority in the place of another; returns its serial number. */
  async replace({ certFile, keyFile }: CertificateFiles): Promise<string> {
    const next = await this.server();
    await rename(next.keyFile, keyFile);
    await rename(next.certFile, certFile);
    return next.serialNumber;
  }

  /** Writes a certificate and its key to files of their own. */
  async write(
    certificate: TestCertificate,
    name = `pair-${this.#count++}`,
  ): Promise<CertificateFiles & TestCertificate> {
    return { ...certificate, ...(await writeCertificate(certificate, this.folder, name)) };
  }
}

/** The keys of a listener's `tls` section that name a certificate. */
export function tlsKeys({ certFile, keyFile }: CertificateFiles) {
  return { cert_file: certFile, key_file: keyFile };
}

function recordsOf(gateway: GatewayProcess): GatewayRecord[] {
  return gateway.child.lines.map(recordOf).filter((record) => record !== undefined);
}

function recordOf(line: string): GatewayRecord | undefined {
  return line.startsWith('{') ? (JSON.parse(line) as GatewayRecord) : undefined;
}

function hasFields(record: GatewayRecord, fields: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(fields).every(([name, value]) => record[name] === value);
}
