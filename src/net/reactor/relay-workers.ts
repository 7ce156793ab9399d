import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { createEventFd, signalEventFd } from '../../sys/epoll.ts';
import { closeSocket } from '../../sys/socket.ts';
import { WORKER_STALL_SECONDS } from '../../limits.ts';
import type { LogRecord } from '../../log.ts';
import type { MonotonicMs } from '../../turn/policy.ts';
import type { SharedMemory, WorkerHealth } from '../data-plane.ts';
import { readMonotonicMs } from '../shared/clock.ts';
import { DescriptorLedger } from '../shared/descriptor-ledger.ts';
import { Heartbeats } from '../shared/heartbeats.ts';
import { clearQuota } from '../shared/quota-table.ts';
import { ReservationTable } from '../shared/reservation-table.ts';
import { clearPortOwners } from '../shared/shared-memory.ts';
import { WorkerQuestions } from './worker-questions.ts';
import type { Answers, FromWorker, Subjects, ToWorker, WorkerStart } from './worker-protocol.ts';

const STOP_MS_MAX = 3000;
/** Packets leave no garbage; what strangers make it leave must not stretch the heap. */
const YOUNG_GENERATION_MEGABYTES = 6;
/** A worker that dies before it has served for so long is started again only after a pause. */
const HEALTHY_MS_MIN = 1000;
const RESTART_PAUSE_MS = 1000;
const HEARTBEAT_MS = 1000;

/** What relay workers are made from. */
export interface RelayWorkersOptions<Policies> {
  /** Script that calls `runRelayWorker`. */
  readonly workerUrl: URL;
  readonly count: number;
  readonly memory: SharedMemory;
  /** What a worker is to start with now. */
  readonly startOf: (index: number) => Omit<WorkerStart<Policies>, 'wakeFd' | 'port'>;
  /** A retired socket of a worker serves nobody any more. */
  readonly onIdle: (fd: number) => void;
  readonly onRecord: (record: LogRecord) => void;
}

/** A thread of a relay worker, the latest one of it. */
interface RelayThread {
  /** False once it has ended. */
  isRunning: boolean;
  thread: Worker;
  port: MessagePort;
  /** Undefined until it serves. */
  servingSinceMs: MonotonicMs | undefined;
  /** It is being ended, since it stands still. */
  isStalled: boolean;
  /** Settles when it serves, or rejects when it died before. */
  ready: Promise<void>;
}

interface RelayWorker extends RelayThread {
  readonly index: number;
  readonly wakeFd: number;
  restarts: number;
  /** When the last thread ended that had lived long enough to count. */
  downSinceMs: MonotonicMs | undefined;
  restartTimer: NodeJS.Timeout | undefined;
}

/** The threads of relay workers: started again when they die, asked how they do, told and asked things. */
export class RelayWorkers<Policies> {
  readonly #options: RelayWorkersOptions<Policies>;
  readonly #heartbeats: Heartbeats;
  readonly #questions = new WorkerQuestions();
  #workers: RelayWorker[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(options: RelayWorkersOptions<Policies>) {
    this.#options = options;
    this.#heartbeats = new Heartbeats(options.memory.heartbeats);
  }

  /** Starts every thread; rejects when one dies before it serves. */
  async start(): Promise<void> {
    for (let index = 0; index < this.#options.count; index++) {
      this.#workers.push(this.#createWorker(index));
    }
    this.#timer = setInterval(() => this.#beat(), HEARTBEAT_MS).unref();
    await Promise.all(this.#workers.map((worker) => worker.ready));
  }

  /** Tells every worker something. */
  tell(message: ToWorker<Policies>): void {
    for (const worker of this.#workers) post(worker, message);
  }

  /** Asks a worker; resolves with undefined when it dies, or is dead, instead of answering. */
  async ask<Kind extends keyof Answers>(
    index: number,
    kind: Kind,
    subject: Subjects[Kind],
  ): Promise<Answers[Kind] | undefined> {
    const worker = this.#workers[index];
    if (worker === undefined || !worker.isRunning) return undefined;
    return this.#questions.ask(index, kind, subject, (question) => post(worker, question));
  }

  /** Asks as `ask` does; a worker that stands still is ended, and another one started, for the question to be over. */
  async demand<Kind extends keyof Answers>(
    index: number,
    kind: Kind,
    subject: Subjects[Kind],
  ): Promise<Answers[Kind] | undefined> {
    const timer = setTimeout(() => this.#endStalled(index), WORKER_STALL_SECONDS * 1000);
    try {
      return await this.ask(index, kind, subject);
    } finally {
      clearTimeout(timer);
    }
  }

  /** How each of them does. */
  get health(): WorkerHealth[] {
    const now = readMonotonicMs();
    return this.#workers.map(({ index, restarts }) => {
      return { lagMs: this.#heartbeats.lagMs(index, now), restarts };
    });
  }

  /** Ends every thread, by force one that does not end by itself. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    const workers = this.#workers;
    for (const { restartTimer } of workers) clearTimeout(restartTimer);
    await Promise.all(workers.map(stopWorker));
    for (const { wakeFd } of workers) closeSocket(wakeFd);
    this.#workers = [];
  }

  #beat(): void {
    const now = readMonotonicMs();
    for (const { index, wakeFd } of this.#workers) {
      if (this.#heartbeats.ask(index, now)) signalEventFd(wakeFd);
    }
  }

  #createWorker(index: number): RelayWorker {
    const wakeFd = createEventFd();
    try {
      const thread = this.#startThread(index, wakeFd);
      const rest = { restarts: 0, downSinceMs: undefined, restartTimer: undefined };
      return { index, wakeFd, ...rest, ...thread };
    } catch (error) {
      closeSocket(wakeFd);
      throw error;
    }
  }

  /** Throws Error of Node.js when the system has no thread left. */
  #startThread(index: number, wakeFd: number): RelayThread {
    const { port1: port, port2: workerPort } = new MessageChannel();
    try {
      const start = { ...this.#options.startOf(index), wakeFd, port: workerPort };
      const thread = new Worker(this.#options.workerUrl, {
        name: `relay-${index}`,
        workerData: start satisfies WorkerStart<Policies>,
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MEGABYTES },
        transferList: [workerPort],
      });
      const ready = this.#untilReady(index, thread, port);
      ready.catch(() => {});
      const state = { isRunning: true, isStalled: false, servingSinceMs: undefined };
      return { thread, port, ready, ...state };
    } catch (error) {
      port.close();
      throw error;
    }
  }

  #untilReady(index: number, thread: Worker, port: MessagePort): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      port.on('message', (message: FromWorker) => {
        if (message.kind !== 'ready') return this.#handle(message);
        this.#noteServing(index);
        resolve();
      });
      thread.once('error', (error) => {
        this.#report('error', 'a relay worker failed', {
          worker: index,
          error: String(error),
          stack: error.stack,
        });
        reject(error);
      });
      thread.once('exit', () => {
        this.#workerExited(index);
        reject(new Error('the relay worker has ended'));
      });
    });
  }

  #noteServing(index: number): void {
    const worker = this.#workers[index];
    if (worker === undefined || !worker.isRunning) return;
    worker.servingSinceMs = readMonotonicMs();
    this.#heartbeats.forget(index);
  }

  #handle(message: Exclude<FromWorker, { kind: 'ready' }>): void {
    switch (message.kind) {
      case 'record':
        this.#options.onRecord(message.record);
        break;
      case 'answer':
        this.#questions.answer(message.request, message.answer);
        break;
      case 'idle':
        this.#options.onIdle(message.fd);
        break;
    }
  }

  /** Frees what the dead worker held and starts another one on the same listener sockets. */
  #workerExited(index: number): void {
    const worker = this.#workers[index];
    if (worker === undefined) return;
    worker.isRunning = false;
    worker.port.close();
    if (!this.#isStopping) {
      this.#release(index);
      this.#restartLater(worker);
    }
    this.#questions.giveUp(index);
  }

  /** One that dies again and again does not count as alive meanwhile, even if it serves for a moment each time. */
  #restartLater(worker: RelayWorker): void {
    const now = readMonotonicMs();
    const isHealthy = now - (worker.servingSinceMs ?? now) >= HEALTHY_MS_MIN;
    if (isHealthy) worker.downSinceMs = now;
    worker.downSinceMs ??= now;
    this.#heartbeats.owe(worker.index, worker.downSinceMs);
    const pauseMs = isHealthy ? 0 : RESTART_PAUSE_MS;
    worker.restartTimer = setTimeout(() => this.#restart(worker), pauseMs);
  }

  #restart(worker: RelayWorker): void {
    try {
      Object.assign(worker, this.#startThread(worker.index, worker.wakeFd));
    } catch (error) {
      const fields = { worker: worker.index, error: String(error) };
      this.#report('error', 'a relay worker cannot be started again, which is tried on', fields);
      worker.restartTimer = setTimeout(() => this.#restart(worker), RESTART_PAUSE_MS);
      return;
    }
    worker.restarts++;
    worker.ready.then(
      () => this.#report('warn', 'a relay worker was started again', { worker: worker.index }),
      () => {},
    );
  }

  /** Its questions are given up once it is gone: what it uses may not be closed before. */
  #endStalled(index: number): void {
    const worker = this.#workers[index];
    if (worker === undefined || !worker.isRunning || worker.isStalled) return;
    worker.isStalled = true;
    this.#report('error', 'a relay worker stands still and is ended', { worker: index });
    terminate(worker);
  }

  #release(index: number): void {
    const { memory } = this.#options;
    clearQuota(memory.quota, index);
    new ReservationTable(memory.reservations, index).clear(index);
    clearPortOwners(memory, index);
    for (const fd of new DescriptorLedger(memory.descriptors, index).takeAllOf(index))
      closeSocket(fd);
  }

  #report(level: LogRecord['level'], message: string, fields: LogRecord['fields']): void {
    this.#options.onRecord({ level, scope: 'relay', message, fields });
  }
}

function post<Policies>(worker: RelayWorker, message: ToWorker<Policies>): void {
  worker.port.postMessage(message);
  signalEventFd(worker.wakeFd);
}

/** A thread that waits for its sockets comes to its end only when it is woken. */
function terminate(worker: RelayWorker): void {
  void worker.thread.terminate();
  signalEventFd(worker.wakeFd);
}

async function stopWorker(worker: RelayWorker): Promise<void> {
  if (!worker.isRunning) return;
  const exited = new Promise((resolve) => worker.thread.once('exit', resolve));
  post(worker, { kind: 'stop' });
  const timer = setTimeout(() => terminate(worker), STOP_MS_MAX);
  await exited;
  clearTimeout(timer);
}
