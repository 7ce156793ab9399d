import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { missingTool, TestProcess } from './child-process.ts';
import { freePorts, PEER_PORTS, RELAY_PORTS } from './free-ports.ts';
import type { ConfigurationData } from './gateway-process.ts';

/** With its header; no sum of few STUN responses is as long. */
const CHANNEL_DATA_BYTES = 504;
const EXAMPLES = new URL('../../config/load-balancer/', import.meta.url);

/** A load balancer that runs, closed with `stop`. */
export interface LoadBalancer {
  readonly child: TestProcess;
  /** Ends the process and removes its files. */
  stop(): Promise<void>;
}

/** Ports of the listeners of a gateway on 127.0.0.1, all of them for TURN-TLS but the last one, and of its ICE API. */
export interface GatewayPorts {
  /** TLS ends in front, and a PROXY header is required. */
  readonly upstream: number;
  /** TLS ends at the gateway, and a PROXY header is required. */
  readonly here: number;
  readonly optional: number;
  readonly optionalHere: number;
  readonly off: number;
  readonly offHere: number;
  readonly udp: number;
  readonly ice: number;
}

/** What a test says about the gateway of the example. */
export interface GatewayOptions {
  readonly ports: GatewayPorts;
  readonly certFile: string;
  readonly keyFile: string;
  /** Of ephemeral credentials. */
  readonly secret: string;
  readonly limits: object;
}

/** Where a load balancer stands. */
export interface Place {
  /** Port that clients connect to when TLS ends at the balancer. */
  readonly upstream: number;
  /** Port that clients connect to when TLS ends at the gateway. */
  readonly here: number;
  /** Ports of the gateway on 127.0.0.1 that these lead to. */
  readonly gateway: Pick<GatewayPorts, 'upstream' | 'here'>;
  /** Certificate and key of the balancer in one file. */
  readonly pemFile: string;
}

/** Says why there can be no HAProxy, for the `skip` option of a test; false when there can. */
export function missingHaproxy(): string | false {
  return missingTool('haproxy');
}

/** Says why there can be no nginx that balances TCP, for the `skip` option of a test; false when there can. */
export function missingNginx(): string | false {
  return missingTool('nginx') || missingStreamModule();
}

/** Path of a file of `config/load-balancer`. */
export function examplePath(name: string): string {
  return fileURLToPath(new URL(name, EXAMPLES));
}

/**
 * Reads a file of `config/load-balancer` with other words in some places.
 *
 * @param words - what takes the place of each text; a text that the file does not have is an error.
 */
export async function readExample(
  name: string,
  words: Readonly<Record<string, string | number>>,
): Promise<string> {
  const text = await readFile(examplePath(name), 'utf8');
  const missing = Object.keys(words).filter((word) => !text.includes(word));
  if (missing.length > 0) throw new Error(`${name} has no ${missing.join(', ')}`);
  const any = Object.keys(words).map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return text.replaceAll(new RegExp(any.join('|'), 'g'), (word) => String(words[word]));
}

/** Finds free ports for a gateway. */
export async function gatewayPorts(): Promise<GatewayPorts> {
  const first = await freePorts(8);
  return {
    upstream: first,
    here: first + 1,
    optional: first + 2,
    optionalHere: first + 3,
    off: first + 4,
    offHere: first + 5,
    udp: first + 6,
    ice: first + 7,
  };
}

/**
 * The configuration of the example with addresses, ports and paths of a test, and with listeners that are less strict.
 *
 * @param limits - the `limits` section.
 */
export async function gatewayConfiguration({
  ports,
  certFile,
  keyFile,
  secret,
  limits,
}: GatewayOptions): Promise<ConfigurationData> {
  const text = await readExample('turnpike.yaml', {
    '${TURNPIKE_SECRET:-change-me-change-me}': secret,
    '10.0.0.5': '127.0.0.1',
    '10.0.0.2': '127.0.0.1',
    ':8088': `:${ports.ice}`,
    '3480': ports.upstream,
    '5349': ports.here,
    '3478': ports.udp,
    '/etc/turnpike/tls.crt': certFile,
    '/etc/turnpike/tls.key': keyFile,
  });
  const example = parse(text) as ConfigurationData & { readonly listeners: readonly object[] };
  const [upstream, here] = example.listeners;
  const optional = { proxy_protocol: 'optional' };
  const off = { proxy_protocol: 'off', proxy_trusted: [] };
  const endpoints = [`127.0.0.1:${PEER_PORTS}`];
  return {
    ...example,
    admin: { healthcheck_endpoint: '', api_endpoint: '', drain_timeout: 0 },
    listeners: [
      ...example.listeners,
      { ...upstream, ...optional, name: 'optional', port: ports.optional },
      { ...here, ...optional, name: 'optional, here', port: ports.optionalHere },
      { ...upstream, ...off, name: 'off', port: ports.off },
      { ...here, ...off, name: 'off, here', port: ports.offHere },
    ],
    relay: {
      min_port: RELAY_PORTS.min,
      max_port: RELAY_PORTS.max,
      addresses: [{ bind: '127.0.0.1' }],
      workers: 1,
    },
    clusters: [{ name: 'media', endpoints, dangerously_allow: ['127.0.0.1/32'] }],
    limits,
  };
}

/**
 * Starts the HAProxy of the example and waits until it listens.
 *
 * @param version - of the PROXY protocol; with version 1 the checks of the gateway's own TLS make a handshake.
 */
export async function startHaproxy(place: Place, version: 1 | 2): Promise<LoadBalancer> {
  const versionOne = {
    'send-proxy-v2-ssl': 'send-proxy',
    'send-proxy-v2 check': 'send-proxy check check-ssl verify none',
  };
  const configuration = await readExample('haproxy.cfg', {
    ':::443': `:::${place.upstream}`,
    ':::5349': `:::${place.here}`,
    '10.0.0.5:3480': `127.0.0.1:${place.gateway.upstream}`,
    '10.0.0.5:5349': `127.0.0.1:${place.gateway.here}`,
    '/etc/haproxy/turn.example.org.pem': place.pemFile,
    'inter 2s': 'inter 100ms',
    ...(version === 1 ? versionOne : {}),
  });
  const isListening = (line: string): boolean => line.includes('Loading success');
  return start(configuration, isListening, (file) => ['haproxy', '-W', '-db', '-f', file]);
}

/** Starts the nginx of the example in the foreground and waits until it listens. */
export async function startNginx(place: Place): Promise<LoadBalancer> {
  const configuration = await readExample('nginx.conf', {
    '[::]:443': `[::]:${place.upstream}`,
    '[::]:5349': `[::]:${place.here}`,
    '10.0.0.5:3480': `127.0.0.1:${place.gateway.upstream}`,
    '10.0.0.5:5349': `127.0.0.1:${place.gateway.here}`,
    '/etc/nginx/turn.example.org.crt': place.pemFile,
    '/etc/nginx/turn.example.org.key': place.pemFile,
  });
  const isListening = (line: string): boolean => line.includes('start worker process ');
  return start(configuration, isListening, (file, folder) => {
    const directives = `daemon off; pid ${join(folder, 'pid')}; error_log stderr notice;`;
    return ['nginx', '-c', file, '-g', directives];
  });
}

/**
 * Runs `turnutils_uclient` with `args` over TLS until all of its messages are back; rejects when some are not. The tool
 * takes a TLS record for a message: it counts those that a balancer has put into one record as lost, though it has read
 * them.
 */
export async function relayThroughBalancer(
  args: readonly string[],
  messages: number,
): Promise<void> {
  const size = ['-n', `${messages}`, '-l', `${CHANNEL_DATA_BYTES - 4}`];
  const child = new TestProcess('turnutils_uclient', ['-v', ...size, ...args]);
  let count = 0;
  try {
    await child.waitForLine((line) => {
      const [, bytes = 0] = /response received: size=(\d+)/.exec(line) ?? [];
      count += Math.floor(Number(bytes) / CHANNEL_DATA_BYTES);
      return count >= messages;
    });
  } finally {
    await child.stop(['SIGKILL']);
  }
}

/** A connection that says some bytes before anything that is written to it. */
export class PrefixedConnection extends Duplex {
  readonly #socket: Socket;
  #prefix: readonly Uint8Array[];

  /**
   * Takes over a connected socket.
   *
   * @param prefix - every piece but the last one is sent by itself; the last one together with the first write.
   */
  constructor(socket: Socket, prefix: readonly Uint8Array[]) {
    super();
    this.#socket = socket;
    this.#prefix = prefix;
    socket.on('data', (chunk) => this.push(chunk));
    socket.on('error', (error) => this.destroy(error));
    socket.on('end', () => this.push(null));
    socket.on('close', () => this.destroy());
  }

  /** Own port. */
  get localPort(): number {
    return this.#socket.localPort!;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void) {
    const pieces = [
      ...this.#prefix.slice(0, -1),
      Buffer.concat([...this.#prefix.slice(-1), chunk]),
    ];
    this.#prefix = [];
    const next = (index: number): void => {
      const isLast = index === pieces.length - 1;
      // A turn of the loop between two pieces, so that they do not leave in one segment.
      const after = isLast ? done : () => setImmediate(() => next(index + 1));
      this.#socket.write(pieces[index]!, after);
    };
    next(0);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

async function start(
  configuration: string,
  isListening: (line: string) => boolean,
  commandOf: (file: string, folder: string) => string[],
): Promise<LoadBalancer> {
  const folder = await mkdtemp(join(tmpdir(), 'load-balancer-'));
  const file = join(folder, 'configuration');
  await writeFile(file, configuration);
  const [command = '', ...args] = commandOf(file, folder);
  const child = new TestProcess(command, args);
  const stop = async (): Promise<void> => {
    await child.stop();
    await rm(folder, { recursive: true });
  };
  try {
    await child.waitForLine(isListening);
  } catch (error) {
    await stop();
    throw error;
  }
  return { child, stop };
}

function missingStreamModule(): string | false {
  const { stderr } = spawnSync('nginx', ['-V'], { encoding: 'utf8' });
  if (/--with-stream(?:\s|$)/.test(stderr)) return false;
  const [, folder = ''] = /--modules-path=(\S+)/.exec(stderr) ?? [];
  const isThere = existsSync(join(folder, 'ngx_stream_module.so'));
  return !isThere && 'not installed: the stream module of nginx (Debian: libnginx-mod-stream)';
}
