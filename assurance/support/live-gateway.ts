import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CertificateAuthority,
  writeCertificate,
} from '../../test/support/certificate-authority.ts';
import { freePorts, RELAY_PORTS } from '../../test/support/free-ports.ts';
import { configurationFor, NO_RATES, startReady } from '../../test/support/gateway-process.ts';
import type { GatewayProcess } from '../../test/support/gateway-process.ts';
import { LOOPBACK_SERVER } from '../../test/support/server-under-test.ts';
import type { ServerAddress } from '../../test/support/turn-transport.ts';

const HOST = '127.0.0.1';

/** A gateway process with a listener for every transport, closed with `stop`. */
export interface LiveGateway {
  readonly process: GatewayProcess;
  /** Secret of its credentials. */
  readonly secret: string;
  readonly udp: ServerAddress;
  readonly tcp: ServerAddress;
  readonly tls: ServerAddress;
  readonly dtls: ServerAddress;
  /** Calls the admin API and parses the answer. */
  ask(path: string): Promise<unknown>;
  /** Sum of all series of a metric. */
  metric(name: string): Promise<number>;
  /** Ends the process and removes its files. */
  stop(): Promise<void>;
}

const NO_LIMITS = {
  ...NO_RATES,
  allocations_per_address_max: 100_000,
  connections_per_address_max: 100_000,
  handshakes_per_second: 1_000_000,
  handshakes_per_second_per_address: 1_000_000,
};

/** Starts a gateway on loopback in which no limit is in the way of a single address. */
export async function startLiveGateway(): Promise<LiveGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-assurance-'));
  const authority = await CertificateAuthority.create();
  const files = await writeCertificate(await authority.issueServer(), folder);
  const first = await freePorts(6);
  const at = (index: number): ServerAddress => ({ host: HOST, port: first + index });
  const [tls, dtls, api, metrics] = [at(1), at(2), at(4), at(5)];
  const base = configurationFor(LOOPBACK_SERVER, first, first + 3);
  const secured = { cert_file: files.certFile, key_file: files.keyFile };
  const common = { bind: HOST, routes: ['peers'], tls: secured };
  const process = await startReady({
    ...base,
    admin: {
      ...base.admin,
      api_endpoint: urlOf(api),
      metrics_endpoint: `${urlOf(metrics)}/metrics`,
    },
    listeners: [
      ...base.listeners,
      { ...common, name: 'tls', protocol: 'TURN-TLS', port: tls.port },
      { ...common, name: 'dtls', protocol: 'TURN-DTLS', port: dtls.port },
    ],
    relay: { ...base.relay, min_port: RELAY_PORTS.min, max_port: RELAY_PORTS.max },
    limits: NO_LIMITS,
  });
  return {
    process,
    secret: LOOPBACK_SERVER.secret,
    udp: at(0),
    tcp: at(0),
    tls,
    dtls,
    ask: async (path) => (await fetch(`${urlOf(api)}/api/v1/${path}`)).json(),
    metric: (name) => sumOf(`${urlOf(metrics)}/metrics`, name),
    async stop() {
      await process.stop();
      await rm(folder, { recursive: true });
    },
  };
}

function urlOf({ host, port }: ServerAddress): string {
  return `http://${host}:${port}`;
}

async function sumOf(url: string, name: string): Promise<number> {
  const text = await (await fetch(url)).text();
  const values = text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
  if (values.length === 0) throw new Error(`no metric ${name}`);
  return values.reduce((sum, value) => sum + value, 0);
}
