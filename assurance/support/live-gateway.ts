import { freePorts, RELAY_PORTS } from '../../test/support/free-ports.ts';
import { configurationFor, NO_LIMITS, startReady } from '../../test/support/gateway-process.ts';
import type { GatewayProcess } from '../../test/support/gateway-process.ts';
import type { Owner } from '../../test/support/owner.ts';
import { TestPki, tlsKeys } from '../../test/support/secure-gateway.ts';
import { LOOPBACK_SERVER } from '../../test/support/server-under-test.ts';
import type { ServerAddress } from '../../test/support/turn-transport.ts';

const HOST = '127.0.0.1';

/** A gateway process with a listener for every transport. */
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
}

/** Starts a gateway on loopback in which no limit is in the way of a single address; it ends with its owner. */
export async function startLiveGateway(owner: Owner): Promise<LiveGateway> {
  const pki = await TestPki.create(owner);
  const first = await freePorts(6);
  const at = (index: number): ServerAddress => ({ host: HOST, port: first + index });
  const [tls, dtls, api, metrics] = [at(1), at(2), at(4), at(5)];
  const base = configurationFor(LOOPBACK_SERVER, first, first + 3);
  const common = { bind: HOST, routes: ['peers'], tls: tlsKeys(await pki.server()) };
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
  owner.teardown(() => process.stop());
  return {
    process,
    secret: LOOPBACK_SERVER.secret,
    udp: at(0),
    tcp: at(0),
    tls,
    dtls,
    ask: async (path) => (await fetch(`${urlOf(api)}/api/v1/${path}`)).json(),
    metric: (name) => sumOf(`${urlOf(metrics)}/metrics`, name),
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
