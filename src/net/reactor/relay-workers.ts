import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { createEventFd, signalEventFd } from '../../sys/epoll.ts';
import { closeSocket } from '../../sys/socket.ts';
import type { LogRecord } from '../../log.ts';
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
/** A worker that dies sooner than this after its start is started again only after a pause. */
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

interface RelayWorker {
  readonly index: number;
  readonly wakeFd: number;
  restarts: number;
  /** False while there is no thread. */
  isRunning: boolean;
  thread: Worker;
  port: MessagePort;
  startedAtMs: number;
  /** Settles when the current thread serves, or rejects when it died before. */
  ready: Promise<void>;
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
      const wakeFd = createEventFd();
      const thread = this.#startThread(index, wakeFd);
      this.#workers.push({ index, wakeFd, restarts: 0, ...thread });
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
    await Promise.all(workers.map(stopWorker));
    for (const { index, wakeFd } of workers) {
      this.#questions.giveUp(index);
      closeSocket(wakeFd);
    }
    this.#workers = [];
  }

  #beat(): void {
    const now = readMonotonicMs();
    for (const { index, wakeFd } of this.#workers) {
      if (this.#heartbeats.ask(index, now)) signalEventFd(wakeFd);
    }
  }

  #startThread(
    index: number,
    wakeFd: number,
  ): Pick<RelayWorker, 'thread' | 'port' | 'startedAtMs' | 'isRunning' | 'ready'> {
    const { port1: port, port2: workerPort } = new MessageChannel();
    const start: WorkerStart<Policies> = {
      ...this.#options.startOf(index),
      wakeFd,
      port: workerPort,
    };
    this.#heartbeats.forget(index);
    const thread = new Worker(this.#options.workerUrl, {
      name: `relay-${index}`,
      workerData: start,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MEGABYTES },
      transferList: [workerPort],
    });
    const ready = new Promise<void>((resolve, reject) => {
      port.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') resolve();
        else this.#handle(message);
      });
      thread.once('error', (error) => {
        this.#report('error', 'a relay worker failed', {
          worker: index,
          error: String(error),
          stack: error.stack,
        });
        reject(error);
      });
      thread.once('exit', () => this.#workerExited(index));
    });
    ready.catch(() => {});
    return { thread, port, startedAtMs: performance.now(), isRunning: true, ready };
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
    if (this.#isStopping || worker === undefined) return;
    worker.isRunning = false;
    worker.port.close();
    this.#release(index);
    this.#questions.giveUp(index);
    const isHealthy = performance.now() - worker.startedAtMs >= HEALTHY_MS_MIN;
    setTimeout(() => this.#restart(worker), isHealthy ? 0 : RESTART_PAUSE_MS);
  }

  #restart(worker: RelayWorker): void {
    if (this.#isStopping) return;
    worker.restarts++;
    Object.assign(worker, this.#startThread(worker.index, worker.wakeFd));
    worker.ready.then(
      () => this.#report('warn', 'a relay worker was started again', { worker: worker.index }),
      () => {},
    );
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

async function stopWorker(worker: RelayWorker): Promise<void> {
  const exited = new Promise((resolve) => worker.thread.once('exit', resolve));
  if (worker.thread.threadId === -1) return;
  post(worker, { kind: 'stop' });
  const timer = setTimeout(() => void worker.thread.terminate(), STOP_MS_MAX);
  await exited;
  clearTimeout(timer);
  worker.port.close();
}
