import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type ListenOptions } from 'node:net';
import { formatHostPort } from '../../config/host-ports.ts';
import { GatewayError } from '../../errors.ts';
import { IPV6, type TransportAddress } from '../../stun/transport-address.ts';
import { aborted } from '../stop-signal.ts';
import { CatFlow, type CatPlan } from './flow.ts';
import { carryStream } from './streams.ts';

/** Flows, and so allocations, at a time; more connections are refused, more UDP sources ignored. */
const FLOWS_MAX = 64;
/** A UDP source that is silent for so long loses its allocation. */
const UDP_IDLE_MS = 60_000;
/** Datagrams of a source whose allocation failed are dropped for so long. */
const RETRY_MS = 5000;
/** Datagrams of one UDP source that wait for its allocation, or for the way to the gateway. */
const WAITING_DATAGRAMS_MAX = 64;

/** What a local end tells while it runs. */
export interface CatReporter {
  /** It is open, at this address. */
  onListening(where: string): void;
  /** A flow could not be opened, or broke; the others go on. */
  onFlowFailed(from: string, reason: Error): void;
  /** A flow was opened. */
  onFlowOpened(from: string): void;
}

/**
 * Accepts connections, each of which gets an allocation of its own, until `stop`.
 *
 * @throws GatewayError GW_ERR_LISTEN when it cannot listen.
 */
export async function serveConnections(
  plan: CatPlan,
  listenOptions: ListenOptions,
  stop: AbortSignal,
  reporter: CatReporter,
): Promise<void> {
  const flows = new Set<Promise<void>>();
  // Only one side has ended when a client says that it has no more to send.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const from = socket.remoteAddress ?? 'a connection';
    socket.on('error', (error) => reporter.onFlowFailed(from, error));
    reporter.onFlowOpened(from);
    const flow = carryStream(plan, { input: socket, output: socket, stop })
      .catch((error: Error) => reporter.onFlowFailed(from, error))
      .finally(() => {
        socket.destroySoon();
        flows.delete(flow);
      });
    flows.add(flow);
  });
  server.maxConnections = FLOWS_MAX;
  server.listen(listenOptions);
  await once(server, 'listening').catch((error: Error) => failListening(error));
  const bound = server.address();
  const isPort = bound !== null && typeof bound === 'object';
  reporter.onListening(isPort ? `tcp://${hostText(bound)}` : `unix://${listenOptions.path ?? ''}`);
  await aborted(stop);
  server.close();
  await Promise.all(flows);
}

/**
 * Takes datagrams, each source of which gets an allocation of its own, until `stop`.
 *
 * @throws GatewayError GW_ERR_LISTEN when it cannot listen.
 */
export async function serveDatagrams(
  plan: CatPlan,
  address: TransportAddress,
  stop: AbortSignal,
  reporter: CatReporter,
): Promise<void> {
  const socket = createSocket(address.family === IPV6 ? 'udp6' : 'udp4');
  const sources = new Map<string, UdpSource>();
  socket.bind(address.port, address.ip());
  await once(socket, 'listening').catch((error: Error) => failListening(error));
  socket.on('error', (error) => reporter.onFlowFailed('the UDP socket', error));
  socket.on('message', (data, from) => {
    const key = hostText(from);
    let source = sources.get(key);
    if (source === undefined) {
      if (sources.size >= FLOWS_MAX) return;
      reporter.onFlowOpened(key);
      source = new UdpSource(plan, {
        reply: (answer) => socket.send(answer, from.port, from.address, () => undefined),
        onEnd: (reason) => {
          setTimeout(() => sources.delete(key), reason === undefined ? 0 : RETRY_MS).unref();
          if (reason !== undefined) reporter.onFlowFailed(key, reason);
        },
      });
      sources.set(key, source);
    }
    source.take(data);
  });
  reporter.onListening(`udp://${hostText(socket.address())}`);
  await aborted(stop);
  await Promise.all([...sources.values()].map((source) => source.close()));
  socket.close();
}

interface UdpSourceEvents {
  reply(data: Uint8Array): void;
  /** Told once; `reason` is set when it broke. */
  onEnd(reason: Error | undefined): void;
}

/** The allocation of one UDP source. */
class UdpSource {
  readonly #events: UdpSourceEvents;
  readonly #idle: NodeJS.Timeout;
  readonly #opening: Promise<CatFlow | undefined>;
  #sending: Promise<void>;
  #waiting = 0;
  #isEnded = false;

  constructor(plan: CatPlan, events: UdpSourceEvents) {
    this.#events = events;
    this.#idle = setTimeout(() => void this.close(), UDP_IDLE_MS);
    this.#opening = CatFlow.open(plan, {
      onData: (data) => {
        this.#idle.refresh();
        events.reply(new Uint8Array(data));
      },
      onLost: (reason) => this.#end(reason),
    }).catch((error: Error) => {
      this.#end(error);
      return undefined;
    });
    this.#sending = this.#opening.then(() => undefined);
  }

  /** Sends a datagram in its turn, or drops it when too many wait. */
  take(data: Uint8Array): void {
    if (this.#isEnded || this.#waiting >= WAITING_DATAGRAMS_MAX) return;
    this.#idle.refresh();
    this.#waiting++;
    this.#sending = this.#sending
      .then(async () => (await this.#opening)?.sendDatagram(data))
      .finally(() => this.#waiting--);
  }

  async close(): Promise<void> {
    this.#end(undefined);
    await (await this.#opening)?.close();
  }

  #end(reason: Error | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#idle);
    this.#events.onEnd(reason);
    if (reason !== undefined) void this.#opening.then((flow) => flow?.close());
  }
}

function failListening(error: Error): never {
  throw new GatewayError('GW_ERR_LISTEN', `cannot listen: ${error.message}`, { cause: error });
}

function hostText({ address, port }: { address: string; port: number }): string {
  return formatHostPort({ host: address, port });
}
