import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { TestProcess } from './child-process.ts';
import { freePorts, RELAY_PORTS } from './free-ports.ts';
import type { IceServer, ServerOptions, ServerUnderTest } from './server-under-test.ts';

/** The built command line. */
export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const REALM = 'example.org';

/** A configuration file as plain data; the gateway itself is the judge of what it means. */
export type ConfigurationData = Readonly<Record<string, unknown>>;

/** A gateway process with its configuration file, closed with `stop`. */
export interface GatewayProcess {
  readonly child: TestProcess;
  /** Path of the configuration file. */
  readonly file: string;
  /** Ends the process and removes the file. */
  stop(): Promise<unknown>;
}

/** Says why the gateway cannot be started, for the `skip` option of a test; false when it is built. */
export function missingBuild(): string | false {
  return !existsSync(MAIN) && 'the gateway is not built: run npm run build';
}

/** Starts a gateway for the server-neutral tests and waits until it serves. */
export async function startGateway(options: ServerOptions): Promise<ServerUnderTest> {
  const port = await freePorts(2);
  const icePort = port + 1;
  const configuration = configurationFor(options, port, icePort);
  const gateway = await startReady(configuration, flagsFor(options));
  const { child } = gateway;
  return {
    port,
    realm: REALM,
    secret: options.secret,
    lines: child.lines,
    stop: () => gateway.stop(),
    iceServer: (user) => fetchIceServer(icePort, user),
    get isAlive() {
      return child.isAlive;
    },
  };
}

/** Starts a gateway with a whole configuration and waits until it serves; see `spawnGateway`. */
export async function startReady(
  ...args: Parameters<typeof spawnGateway>
): Promise<GatewayProcess> {
  const gateway = await spawnGateway(...args);
  try {
    await gateway.child.waitForLine(isReadyLine);
  } catch (error) {
    await gateway.stop();
    throw error;
  }
  return gateway;
}

/**
 * Starts a gateway without waiting for anything.
 *
 * @param configuration - data to write as YAML, or the very text of the file.
 * @param environment - variables on top of those of the test.
 * @param prefix - what the command line begins with, such as what runs it in another network.
 */
export async function spawnGateway(
  configuration: ConfigurationData | string,
  flags: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
  prefix: readonly string[] = [],
): Promise<GatewayProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-'));
  const file = join(folder, 'turnpike.yaml');
  await writeFile(
    file,
    typeof configuration === 'string' ? configuration : stringify(configuration),
  );
  const command = [...prefix, process.execPath, MAIN, 'start', '-c', file, ...flags];
  const child = new TestProcess(command[0]!, command.slice(1), environment);
  const stop = async (): Promise<void> => {
    await child.stop();
    await rm(folder, { recursive: true });
  };
  return { child, file, stop };
}

/** Has a gateway write its log to a file or named pipe, which nobody reads unless somebody does. */
export function outputTo(path: string): string[] {
  return ['sh', '-c', 'exec "$@" 1<>"$0"', path];
}

/** Every client of a test comes from one address, and some send as much as they can. */
export const NO_RATES = {
  bytes_per_second_per_allocation: 0,
  unauthenticated_per_second_per_address: 0,
};

/** Nor do limits on allocations, connections and handshakes fit them. */
export const NO_LIMITS = {
  ...NO_RATES,
  allocations_per_address_max: 100_000,
  connections_per_address_max: 100_000,
  handshakes_per_second: 1_000_000,
  handshakes_per_second_per_address: 1_000_000,
};

/** The configuration that serves `options` on `port`; tests may add to it. */
export function configurationFor(options: ServerOptions, port: number, icePort: number) {
  return {
    version: 'v1',
    admin: {
      name: 'under-test',
      log_format: 'json',
      healthcheck_endpoint: '',
      api_endpoint: '',
      drain_timeout: 0,
      user_quota: options.userQuota,
    },
    auth: { realm: REALM, ...authenticationFor(options) },
    ice: { endpoint: `http://127.0.0.1:${icePort}` },
    listeners: options.listenAddresses.flatMap((bind) =>
      ['UDP', 'TCP'].map((protocol) => ({
        name: `test/gateway/${protocol.toLowerCase()}-${bind}`,
        protocol: `TURN-${protocol}`,
        bind,
        port,
        public_address: bind,
        routes: ['peers'],
      })),
    ),
    relay: {
      min_port: RELAY_PORTS.min,
      max_port: RELAY_PORTS.max,
      addresses: options.relayAddresses.map((address) => ({ bind: address, advertise: address })),
      workers: options.mode === 'reactor' ? 2 : 1,
    },
    clusters: [
      {
        name: 'peers',
        type: 'STATIC',
        endpoints: options.endpoints,
        dangerously_allow: ['127.0.0.1/32', '::1/128'],
      },
    ],
    limits: { allocations_per_address_max: 100_000, ...NO_RATES },
  };
}

function authenticationFor({ secret, staticUser }: ServerOptions) {
  return staticUser === undefined
    ? { type: 'ephemeral', credentials: { secret } }
    : { type: 'static', credentials: staticUser };
}

async function fetchIceServer(icePort: number, username: string): Promise<IceServer> {
  const query = new URLSearchParams({ service: 'turn', username });
  const response = await fetch(`http://127.0.0.1:${icePort}/ice?${query.toString()}`);
  if (!response.ok) throw new Error(`/ice answers ${response.status}: ${await response.text()}`);
  const { iceServers } = (await response.json()) as { iceServers: IceServer[] };
  const [server] = iceServers;
  if (server === undefined) throw new Error('/ice names no server');
  return server;
}

/** Command-line flags of a mode. */
export function flagsFor(options: Pick<ServerOptions, 'mode'>): string[] {
  return options.mode === 'portable' ? ['--portable'] : [];
}

/** The one place that knows how the gateway says that it serves. */
export function isReadyLine(line: string): boolean {
  if (!line.startsWith('{')) return false;
  const record = JSON.parse(line) as { msg?: string };
  return record.msg?.includes('ready') ?? false;
}
