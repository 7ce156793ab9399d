import { rename, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import type {
  GatewayStatus,
  ReloadResult,
  SessionList,
} from '../../src/http/admin/gateway-control.ts';
import { openUdpEchoPeer, type UdpEchoPeer } from './echo-peer.ts';
import { freePorts } from './free-ports.ts';
import { configurationFor, flagsFor, startReady, type GatewayProcess } from './gateway-process.ts';
import type { Owner } from './owner.ts';
import { LOOPBACK_SERVER, type ServerOptions } from './server-under-test.ts';

/** Sections of a configuration that are merged over those of the test gateway. */
export type Sections = Readonly<Record<string, unknown>>;

/** Ports of an operated gateway. */
export interface OperatedPorts {
  readonly turn: number;
  readonly ice: number;
  readonly api: number;
  readonly health: number;
  readonly metrics: number;
}

/** A gateway process that is operated through its HTTP endpoints and its configuration file. */
export class OperatedGateway {
  readonly ports: OperatedPorts;
  readonly process: GatewayProcess;
  readonly peer: UdpEchoPeer;
  readonly #base: Readonly<Record<string, unknown>>;

  private constructor(
    ports: OperatedPorts,
    process: GatewayProcess,
    peer: UdpEchoPeer,
    base: Readonly<Record<string, unknown>>,
  ) {
    this.ports = ports;
    this.process = process;
    this.peer = peer;
    this.#base = base;
  }

  /**
   * Starts a gateway with an echo peer; both end with their owner.
   *
   * @param launch - starts the process and waits until it serves.
   */
  static async start(
    owner: Owner,
    changes: Sections | ((ports: OperatedPorts) => Sections) = {},
    options: Partial<ServerOptions> = {},
    environment: Readonly<Record<string, string>> = {},
    launch = startReady,
  ): Promise<OperatedGateway> {
    const server = { ...LOOPBACK_SERVER, ...options };
    const turn = await freePorts(5);
    const ports = {
      turn,
      ice: turn + 1,
      api: turn + 2,
      health: turn + 3,
      metrics: turn + 4,
    };
    const base = baseConfiguration(server, ports);
    const process = await launch(
      merged(base, typeof changes === 'function' ? changes(ports) : changes),
      flagsFor(server),
      environment,
    );
    owner.teardown(() => process.stop());
    const peer = await openUdpEchoPeer();
    owner.teardown(() => peer.close());
    return new OperatedGateway(ports, process, peer, base);
  }

  /** Where clients connect. */
  get server(): { readonly host: string; readonly port: number } {
    return { host: '127.0.0.1', port: this.ports.turn };
  }

  /** The text of the configuration with changes. */
  text(changes: Sections = {}): string {
    return stringify(merged(this.#base, changes));
  }

  /** Replaces the configuration file in one step. */
  async write(text: string): Promise<void> {
    const next = `${this.process.file}.next`;
    await writeFile(next, text);
    await rename(next, this.process.file);
  }

  /** Calls the admin API; resolves with the status and the parsed body. */
  async call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const response = await fetch(`http://127.0.0.1:${this.ports.api}/api/v1/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
  }

  /** Lets it read its file again, or say what would change. */
  async reload(
    isDryRun = false,
  ): Promise<{ readonly status: number; readonly body: ReloadResult }> {
    const { status, body } = await this.call('POST', 'reload', { dryRun: isDryRun });
    return { status, body: body as ReloadResult };
  }

  /** Live sessions; `query` begins with a question mark. */
  async sessions(query = ''): Promise<SessionList> {
    return (await this.call('GET', `sessions${query}`)).body as SessionList;
  }

  async status(): Promise<GatewayStatus> {
    return (await this.call('GET', 'status')).body as GatewayStatus;
  }

  /** Status code of a health check; undefined when nobody answers. */
  async health(check: 'live' | 'ready' | 'health' | 'status'): Promise<number | undefined> {
    const response = await fetch(`http://127.0.0.1:${this.ports.health}/${check}`).catch(() => {});
    await response?.text();
    return response?.status;
  }

  /** The metrics as text. */
  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.ports.metrics}/metrics`)).text();
  }

  /** Value of a series as it is written, such as `stunner_allocations_active`; undefined when there is none. */
  async metric(series: string): Promise<number | undefined> {
    const lines = (await this.metrics()).split('\n');
    const line = lines.find((each) => each.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  /** Log records with a message, so far. */
  records(message: string): Record<string, unknown>[] {
    return this.process.child.lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === message);
  }

  /** Waits until there are so many records with a message. */
  async waitForRecords(message: string, count: number): Promise<void> {
    await this.process.child.waitForLine(() => this.records(message).length >= count);
  }
}

function baseConfiguration(
  server: ServerOptions,
  ports: OperatedPorts,
): Readonly<Record<string, unknown>> {
  const base = configurationFor(server, ports.turn, ports.ice);
  return {
    ...base,
    admin: {
      ...base.admin,
      api_endpoint: `http://127.0.0.1:${ports.api}`,
      healthcheck_endpoint: `http://127.0.0.1:${ports.health}`,
      metrics_endpoint: `http://127.0.0.1:${ports.metrics}/metrics`,
    },
  };
}

/** Objects are merged, everything else is replaced. */
function merged(base: Sections, changes: Sections): Readonly<Record<string, unknown>> {
  const entries = Object.entries(changes).map(([key, value]) => {
    const old = base[key];
    return [key, isObject(value) && isObject(old) ? merged(old, value) : value];
  });
  return { ...base, ...Object.fromEntries(entries) };
}

function isObject(value: unknown): value is Sections {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
