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
import { PROCESSORS } from '../settings.ts';
import { spawnPinned, stopProcess } from './pinned-process.ts';

const SCRIPT = fileURLToPath(new URL('../load-generator.js', import.meta.url));

/** Generator and sink in a process of their own. */
export class GeneratorProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor() {
    const command = { file: process.execPath, args: [SCRIPT] };
    this.#child = spawnPinned(command, PROCESSORS.generator, [
      'ignore',
      'inherit',
      'inherit',
      'ipc',
    ]);
    this.#ended = once(this.#child, 'exit').then(() => {
      throw new Error('the generator ended');
    });
    this.#ended.catch(() => undefined);
  }

  /** Gives each of `clients` new clients an allocation. */
  allocate(clients: number, transport: Transport = 'udp'): Promise<StepResult> {
    return this.#request({ kind: 'allocate', clients, transport }) as Promise<StepResult>;
  }

  /** Binds a channel for every client. */
  bindChannels(): Promise<StepResult> {
    return this.#request({ kind: 'bindChannels' }) as Promise<StepResult>;
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
    this.#child.send(request);
    const [reply] = (await Promise.race([answer, this.#ended])) as [LoadReply];
    if (reply.kind === 'failed') throw new Error(reply.message);
    return reply.result;
  }
}
