import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { createEventFd, signalEventFd } from '../../sys/epoll.ts';
import { closeSocket } from '../../sys/socket.ts';
import type {
  ConnectionLimits,
  CoreSetup,
  DataPlane,
  ListenerPlan,
  TlsByListener,
} from '../data-plane.ts';
import type { LogRecord } from '../../log.ts';
import { DescriptorLedger } from '../shared/descriptor-ledger.ts';
import { QuotaTable } from '../shared/quota-table.ts';
import { ReservationTable } from '../shared/reservation-table.ts';
import { connectionsPerWorker } from '../shared/connection-counts.ts';
import { clearPortOwners } from '../shared/shared-memory.ts';
import { openListener } from './open-listeners.ts';
import type { FromWorker, OpenListener, ToWorker, WorkerStart } from './worker-protocol.ts';

const STOP_MS_MAX = 3000;
/** Packets leave no garbage; what strangers make it leave must not stretch the heap. */
const YOUNG_GENERATION_MEGABYTES = 6;
/** A worker that dies sooner than this after its start is started again only after a pause. */
const HEALTHY_MS_MIN = 1000;
const RESTART_PAUSE_MS = 1000;

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

interface RelayWorker {
  readonly index: number;
  readonly listeners: readonly OpenListener[];
  readonly wakeFd: number;
  thread: Worker;
  port: MessagePort;
  startedAtMs: number;
  /** Settles when the current thread serves, or rejects when it died before. */
  ready: Promise<void>;
}

/** Linux worker threads, each with a blocking loop over its own sockets; a worker that dies is started again. */
export class ReactorPlane<Policies> implements DataPlane<Policies> {
  readonly mode = 'reactor';
  readonly #options: ReactorPlaneOptions<Policies>;
  #policies: Policies;
  #tls: TlsByListener;
  #workers: RelayWorker[] = [];
  #isStopping = false;

  constructor(options: ReactorPlaneOptions<Policies>) {
    this.#options = options;
    this.#policies = options.setup.policies;
    this.#tls = options.tls;
  }

  async start(): Promise<void> {
    const socketsByWorker = this.#openListeners();
    this.#workers = socketsByWorker.map((listeners, index) => this.#createWorker(index, listeners));
    await Promise.all(this.#workers.map((worker) => worker.ready));
  }

  replacePolicies(policies: Policies): void {
    this.#policies = policies;
    for (const worker of this.#workers) post(worker, { kind: 'policies', policies });
  }

  replaceTls(settings: TlsByListener): void {
    this.#tls = new Map([...this.#tls, ...settings]);
    for (const worker of this.#workers) post(worker, { kind: 'tls', settings });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#workers.map(stopWorker));
    for (const { listeners, wakeFd } of this.#workers) {
      for (const { fd } of listeners) closeSocket(fd);
      closeSocket(wakeFd);
    }
    this.#workers = [];
  }

  #openListeners(): OpenListener[][] {
    const { listeners, workers } = this.#options;
    const opened: OpenListener[][] = Array.from({ length: workers }, () => []);
    try {
      for (const plan of listeners) {
        openListener(plan, workers).forEach((sockets, worker) => opened[worker]!.push(...sockets));
      }
    } catch (error) {
      for (const { fd } of opened.flat()) closeSocket(fd);
      throw error;
    }
    return opened;
  }

  #createWorker(index: number, listeners: readonly OpenListener[]): RelayWorker {
    const wakeFd = createEventFd();
    return { index, listeners, wakeFd, ...this.#startThread(index, listeners, wakeFd) };
  }

  #startThread(
    index: number,
    listeners: readonly OpenListener[],
    wakeFd: number,
  ): Pick<RelayWorker, 'thread' | 'port' | 'startedAtMs' | 'ready'> {
    const { port1: port, port2: workerPort } = new MessageChannel();
    const setup = { ...this.#options.setup, policies: this.#policies, worker: index };
    const { workers } = this.#options;
    const workerData: WorkerStart<Policies> = {
      setup,
      listeners,
      tls: this.#tls,
      connectionsMax: connectionsPerWorker(workers),
      limits: shareOf(this.#options.limits, workers),
      wakeFd,
      port: workerPort,
    };
    const thread = new Worker(this.#options.workerUrl, {
      name: `relay-${index}`,
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MEGABYTES },
      transferList: [workerPort],
    });
    const ready = new Promise<void>((resolve, reject) => {
      port.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') resolve();
        else this.#options.onRecord(message.record);
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
    return { thread, port, startedAtMs: performance.now(), ready };
  }

  /** Frees what the dead worker held and starts another one on the same listener sockets. */
  #workerExited(index: number): void {
    const worker = this.#workers[index];
    if (this.#isStopping || worker === undefined) return;
    worker.port.close();
    this.#release(index);
    const isHealthy = performance.now() - worker.startedAtMs >= HEALTHY_MS_MIN;
    setTimeout(() => this.#restart(worker), isHealthy ? 0 : RESTART_PAUSE_MS);
  }

  #restart(worker: RelayWorker): void {
    if (this.#isStopping) return;
    Object.assign(worker, this.#startThread(worker.index, worker.listeners, worker.wakeFd));
    worker.ready.then(
      () => this.#report('warn', 'a relay worker was started again', { worker: worker.index }),
      () => {},
    );
  }

  #release(index: number): void {
    const { memory, quota } = this.#options.setup;
    // Named as the dead worker itself, since no other thread may act under this name now.
    new QuotaTable(memory.quota, index, quota).clear(index);
    new ReservationTable(memory.reservations, index).clear(index);
    clearPortOwners(memory, index);
    for (const fd of new DescriptorLedger(memory.descriptors, index).takeAllOf(index))
      closeSocket(fd);
  }

  #report(level: LogRecord['level'], message: string, fields: LogRecord['fields']): void {
    this.#options.onRecord({ level, scope: 'relay', message, fields });
  }
}

function shareOf(limits: ConnectionLimits, workers: number): ConnectionLimits {
  const { handshakesPerSecond: total, handshakesPerSecondPerAddress: perAddress } = limits;
  const handshakesPerSecond = Math.ceil(total / workers);
  // One client must not take all that there is.
  const handshakesPerSecondPerAddress = Math.min(perAddress, Math.ceil(handshakesPerSecond / 4));
  return { ...limits, handshakesPerSecond, handshakesPerSecondPerAddress };
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
