import type { LogRecord } from '../../log.ts';
import type {
  ConnectionLimits,
  CoreSetup,
  DataPlane,
  ListenerPlan,
  TlsByListener,
  WorkerHealth,
} from '../data-plane.ts';
import { mergePages, type SessionPage, type SessionQuery, type SessionTarget } from '../session.ts';
import { connectionsPerWorker } from '../shared/connection-counts.ts';
import { ListenerSockets } from './listener-sockets.ts';
import { RelayWorkers } from './relay-workers.ts';
import type { Answers, Subjects, WorkerStart } from './worker-protocol.ts';

/** A worker that has not answered for so long does not count. */
const ANSWER_MS_MAX = 2000;

/** What a reactor plane is made from. */
export interface ReactorPlaneOptions<Policies> {
  /** Script that calls `runRelayWorker`. */
  readonly workerUrl: URL;
  readonly workers: number;
  readonly listeners: readonly ListenerPlan[];
  readonly tls: TlsByListener;
  readonly limits: ConnectionLimits;
  readonly setup: Omit<CoreSetup<Policies>, 'worker'>;
  readonly onRecord: (record: LogRecord) => void;
}

/** Linux worker threads, each with a blocking loop over its own sockets; a worker that dies is started again. */
export class ReactorPlane<Policies> implements DataPlane<Policies> {
  readonly mode = 'reactor';
  readonly #options: ReactorPlaneOptions<Policies>;
  readonly #sockets: ListenerSockets;
  readonly #workers: RelayWorkers<Policies>;
  #policies: Policies;
  #limits: ConnectionLimits;

  constructor(options: ReactorPlaneOptions<Policies>) {
    const { workerUrl, workers, setup, onRecord } = options;
    this.#options = options;
    this.#policies = setup.policies;
    this.#limits = options.limits;
    this.#workers = new RelayWorkers({
      workerUrl,
      count: workers,
      memory: setup.memory,
      startOf: (index) => this.#startOf(index),
      onIdle: (fd) => this.#sockets.noteIdle(fd),
      onRecord,
    });
    this.#sockets = new ListenerSockets({
      workers,
      change: async (worker, change) => {
        await this.#workers.demand(worker, 'sockets', change);
      },
      onRecord,
    });
  }

  async start(): Promise<void> {
    const { listeners, tls } = this.#options;
    this.#sockets.open(listeners, tls);
    await this.#workers.start();
  }

  replacePolicies(policies: Partial<Policies>): void {
    this.#policies = { ...this.#policies, ...policies };
    this.#workers.tell({ kind: 'policies', policies });
  }

  replaceTls(settings: TlsByListener): void {
    this.#sockets.replaceTls(settings);
    this.#workers.tell({ kind: 'tls', settings });
  }

  replaceLimits(limits: ConnectionLimits): void {
    this.#limits = limits;
    this.#workers.tell({ kind: 'limits', limits: shareOf(limits, this.#options.workers) });
  }

  async replaceListeners(listeners: readonly ListenerPlan[], tls: TlsByListener): Promise<void> {
    await this.#sockets.replace(listeners, tls);
  }

  async sessions(query: SessionQuery): Promise<SessionPage> {
    return mergePages(await this.#askAll('find', query), query.limit);
  }

  async endSessions(target: SessionTarget): Promise<number> {
    const counts = await this.#askAll('end', target);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  workers(): readonly WorkerHealth[] {
    return this.#workers.health;
  }

  async stop(): Promise<void> {
    this.#sockets.refuse();
    await this.#workers.stop();
    await this.#sockets.close();
  }

  #startOf(worker: number): Omit<WorkerStart<Policies>, 'wakeFd' | 'port'> {
    const { setup, workers } = this.#options;
    return {
      setup: { ...setup, policies: this.#policies, worker },
      ...this.#sockets.startOf(worker),
      connectionsMax: connectionsPerWorker(workers),
      limits: shareOf(this.#limits, workers),
    };
  }

  /** The answers of all workers that give one in time. */
  async #askAll<Kind extends 'find' | 'end'>(
    kind: Kind,
    subject: Subjects[Kind],
  ): Promise<Answers[Kind][]> {
    const { workers } = this.#options;
    const answers = Array.from({ length: workers }, (_, worker) =>
      inTime(this.#workers.ask(worker, kind, subject), ANSWER_MS_MAX),
    );
    return (await Promise.all(answers)).filter((answer) => answer !== undefined) as Answers[Kind][];
  }
}

function shareOf(limits: ConnectionLimits, workers: number): ConnectionLimits {
  const { connectionsPerAddressMax, handshakesPerSecond: total } = limits;
  const handshakesPerSecond = Math.ceil(total / workers);
  // One client must not take all that there is.
  const handshakesPerSecondPerAddress = Math.min(
    limits.handshakesPerSecondPerAddress,
    Math.ceil(handshakesPerSecond / 4),
  );
  return { connectionsPerAddressMax, handshakesPerSecond, handshakesPerSecondPerAddress };
}

/** Resolves with undefined when `promise` has not settled after `ms`. */
async function inTime<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
