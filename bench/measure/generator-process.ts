import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type {
  LoadReply,
  LoadRequest,
  StepResult,
  TrafficOrder,
  TrafficResult,
  Transport,
} from '../load/protocol.ts';
import type { BenchNetwork } from './bench-network.ts';
import { spawnPinned, stopProcess } from './pinned-process.ts';
import { GENERATOR_PROCESSORS } from './processors.ts';

const SCRIPT = fileURLToPath(new URL('../load-generator.js', import.meta.url));

/** Thrown when there is no generator any more, so that nothing else can be measured. */
export class GeneratorEnded extends Error {}

/** Generator and sink in a process of their own; every step throws when it fails. */
export class GeneratorProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor({ addresses, prefixes }: BenchNetwork) {
    const command = { file: process.execPath, args: [SCRIPT, JSON.stringify(addresses)] };
    this.#child = spawnPinned(command, GENERATOR_PROCESSORS, prefixes.generator, [
      'ignore',
      'inherit',
      'inherit',
      'ipc',
    ]);
    this.#ended = once(this.#child, 'exit').then(() => {
      throw new GeneratorEnded('the generator ended: does another bench run here?');
    });
    this.#ended.catch(() => undefined);
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** Waits until the server answers. */
  async awaitServer(): Promise<void> {
    await this.#request({ kind: 'awaitServer' });
  }

  /** Replaces all clients by new ones. */
  async open(clients: number, transport: Transport): Promise<void> {
    await this.#request({ kind: 'open', clients, transport });
  }

  /** Gives clients an allocation, all of them or those from `from` to `to - 1`. */
  allocate(some: { readonly from?: number; readonly to?: number } = {}): Promise<StepResult> {
    return this.#request({ kind: 'allocate', ...some }) as Promise<StepResult>;
  }

  /** Binds a channel for every client. */
  bindChannels(): Promise<StepResult> {
    return this.#request({ kind: 'bindChannels' }) as Promise<StepResult>;
  }

  /** Permits the peer for every client. */
  createPermissions(): Promise<StepResult> {
    return this.#request({ kind: 'createPermissions' }) as Promise<StepResult>;
  }

  /** Sends packets and counts what arrives. */
  traffic(order: TrafficOrder): Promise<TrafficResult> {
    return this.#request({ kind: 'traffic', ...order }) as Promise<TrafficResult>;
  }

  /** Ends the process. */
  stop(): Promise<void> {
    return stopProcess(this.#child);
  }

  async #request(request: LoadRequest): Promise<StepResult | TrafficResult> {
    const answer = once(this.#child, 'message');
    this.#child.send(request, () => undefined);
    const [reply] = (await Promise.race([answer, this.#ended])) as [LoadReply];
    if (reply.kind === 'failed') throw new Error(reply.message);
    return reply.result;
  }
}
