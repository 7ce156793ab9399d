import { isDeepStrictEqual } from 'node:util';
import type { LogRecord } from '../../log.ts';
import type { ListenerPlan, TlsByListener } from '../data-plane.ts';
import { isDatagramListener, planChange, type OpenedListener } from '../shared/listener-change.ts';
import { listenError } from '../shared/listen-error.ts';
import { SerialQueue } from '../shared/serial-queue.ts';
import { closeListeners, openListener } from './open-listeners.ts';
import type { OpenListener, SocketChange, WorkerStart } from './worker-protocol.ts';

/** What listener sockets need of the data plane that they belong to. */
export interface ListenerSocketsOptions {
  readonly workers: number;
  /** Resolves when a worker has done what it is told, or is dead; a worker that stands still has to die. */
  readonly change: (worker: number, change: SocketChange) => Promise<void>;
  readonly onRecord: (record: LogRecord) => void;
}

/** A listener with its open sockets. */
interface ServedListener extends OpenedListener {
  plan: ListenerPlan;
  isRetired: boolean;
  readonly socketsByWorker: readonly (readonly OpenListener[])[];
  /** Retired sockets that nobody uses any more. */
  readonly idle: Set<number>;
}

type SocketLists = Omit<SocketChange, 'tls' | 'ended'>;

/**
 * The listener sockets of all workers, owned by the main thread.
 *
 * One is closed only after its worker has let go of it: a descriptor that is watched and closed may soon be another
 * socket. Those of a retired listener are closed all together, since the kernel spreads clients over all of them.
 */
export class ListenerSockets {
  readonly #options: ListenerSocketsOptions;
  #listeners: ServedListener[] = [];
  #names: readonly string[] = [];
  #tls: TlsByListener = new Map();
  #isClosing = false;
  /** One change after the other. */
  readonly #queue = new SerialQueue();

  constructor(options: ListenerSocketsOptions) {
    this.#options = options;
  }

  /** Opens the first sockets, before there is a worker; throws GatewayError GW_ERR_LISTEN and opens nothing then. */
  open(plans: readonly ListenerPlan[], tls: TlsByListener): void {
    this.#listeners = this.#openAll(plans);
    this.#remember(plans, tls);
  }

  /** What a worker starts with now. */
  startOf(worker: number): Pick<WorkerStart<unknown>, 'listeners' | 'retired' | 'tls'> {
    const retired = this.#listeners.filter(({ isRetired }) => isRetired);
    return {
      tls: this.#tls,
      listeners: this.#listeners.flatMap((listener) => socketsOf(listener, worker)),
      retired: retired.flatMap((listener) => descriptorsOf(listener, worker)),
    };
  }

  /** Swaps the settings of some listeners, for workers to come. */
  replaceTls(settings: TlsByListener): void {
    this.#tls = new Map([...this.#tls, ...settings]);
  }

  /** See `DataPlane.replaceListeners`. */
  replace(plans: readonly ListenerPlan[], tls: TlsByListener): Promise<void> {
    return this.#queue.run(() => this.#replace(plans, tls));
  }

  /** A retired socket is idle; once all of its listener are, they are closed. */
  noteIdle(fd: number): void {
    const listener = this.#listeners.find((one) => one.isRetired && hasDescriptor(one, fd));
    if (listener === undefined) return;
    listener.idle.add(fd);
    const count = listener.socketsByWorker.flat().length;
    if (listener.idle.size < count) return;
    void this.#queue.run(async () => {
      if (listener.isRetired && this.#listeners.includes(listener)) await this.#yield([listener]);
    });
  }

  /** Opens nothing any more, also for a change that is under way. */
  refuse(): void {
    this.#isClosing = true;
  }

  /** Closes everything, once there is no worker any more. */
  close(): Promise<void> {
    return this.#queue.run(async () => {
      closeAll(this.#listeners);
      this.#listeners = [];
    });
  }

  async #replace(plans: readonly ListenerPlan[], tls: TlsByListener): Promise<void> {
    const change = planChange(this.#listeners, plans);
    const opened = this.#openAll(change.opened);
    await this.#yield(change.yielding);
    try {
      opened.push(...this.#openAll(change.openedAfter));
    } catch (error) {
      closeAll(opened);
      await this.#reopen(change.yielding.filter(({ isRetired }) => !isRetired));
      throw error;
    }
    const names = new Set(plans.map(({ name }) => name));
    const ended = this.#names.filter((name) => !names.has(name));
    const updated = change.kept.filter(
      ({ listener, plan }) => listener.isRetired || !isDeepStrictEqual(listener.plan, plan),
    );
    for (const { listener, plan } of updated) revive(listener, plan);
    for (const listener of change.retired) listener.isRetired = true;
    // Those of streams are not needed for the connections that there are.
    const leaving = [
      ...change.closed,
      ...change.retired.filter(({ plan }) => !isDatagramListener(plan)),
    ];
    this.#listeners = [...this.#listeners.filter((one) => !leaving.includes(one)), ...opened];
    this.#remember(plans, tls);
    await this.#tell(leaving, { ended, tls: settingsFor(opened, tls) }, (worker) => ({
      closed: change.closed.flatMap((listener) => descriptorsOf(listener, worker)),
      retired: change.retired.flatMap((listener) => descriptorsOf(listener, worker)),
      updated: updated.flatMap(({ listener }) => socketsOf(listener, worker)),
      opened: opened.flatMap((listener) => socketsOf(listener, worker)),
    }));
  }

  /** Frees the places of listeners, and ends what lives there on datagrams. */
  async #yield(listeners: readonly ServedListener[]): Promise<void> {
    if (listeners.length === 0) return;
    this.#listeners = this.#listeners.filter((listener) => !listeners.includes(listener));
    const [datagram, stream] = [true, false].map((isDatagram) =>
      listeners.filter(({ plan }) => isDatagramListener(plan) === isDatagram),
    ) as [ServedListener[], ServedListener[]];
    await this.#tell(listeners, { ended: [], tls: new Map() }, (worker) => ({
      closed: datagram.flatMap((listener) => descriptorsOf(listener, worker)),
      retired: stream.flatMap((listener) => descriptorsOf(listener, worker)),
      updated: [],
      opened: [],
    }));
  }

  /** Puts listeners back that had to yield for nothing. */
  async #reopen(listeners: readonly ServedListener[]): Promise<void> {
    if (this.#isClosing) return;
    const opened = listeners.flatMap(({ plan }) => {
      try {
        return this.#openAll([plan]);
      } catch (error) {
        this.#report('a listener that had to make room cannot be opened again', plan, error);
        return [];
      }
    });
    this.#listeners.push(...opened);
    await this.#tell([], { ended: [], tls: settingsFor(opened, this.#tls) }, (worker) => ({
      closed: [],
      retired: [],
      updated: [],
      opened: opened.flatMap((listener) => socketsOf(listener, worker)),
    }));
  }

  /** Tells every worker its part, and closes the sockets of `leaving` that it lets go of by that. */
  async #tell(
    leaving: readonly ServedListener[],
    common: Pick<SocketChange, 'ended' | 'tls'>,
    listsOf: (worker: number) => SocketLists,
  ): Promise<void> {
    const workers = Array.from({ length: this.#options.workers }, (_, worker) => worker);
    const tell = async (worker: number): Promise<void> => {
      await this.#options.change(worker, { ...listsOf(worker), ...common });
      closeListeners(leaving.flatMap(({ socketsByWorker }) => socketsByWorker[worker]!));
    };
    await Promise.all(workers.map(tell));
  }

  /** Opens all of `plans`, or throws GatewayError GW_ERR_LISTEN and opens none. */
  #openAll(plans: readonly ListenerPlan[]): ServedListener[] {
    const opened: ServedListener[] = [];
    try {
      for (const plan of plans) {
        if (this.#isClosing) throw listenError(plan, new Error('the gateway is stopping'));
        const socketsByWorker = openListener(plan, this.#options.workers);
        opened.push({ plan, isRetired: false, socketsByWorker, idle: new Set() });
      }
    } catch (error) {
      closeAll(opened);
      throw error;
    }
    return opened;
  }

  #remember(plans: readonly ListenerPlan[], tls: TlsByListener): void {
    this.#names = plans.map(({ name }) => name);
    this.#tls = tls;
  }

  #report(message: string, { name }: ListenerPlan, error: unknown): void {
    const fields = { listener: name, error: String(error) };
    this.#options.onRecord({ level: 'error', scope: 'relay', message, fields });
  }
}

function revive(listener: ServedListener, plan: ListenerPlan): void {
  listener.plan = plan;
  listener.isRetired = false;
  listener.idle.clear();
}

function closeAll(listeners: readonly ServedListener[]): void {
  closeListeners(listeners.flatMap(({ socketsByWorker }) => socketsByWorker.flat()));
}

function socketsOf({ plan, socketsByWorker }: ServedListener, worker: number): OpenListener[] {
  return socketsByWorker[worker]!.map((socket) => ({ ...socket, plan }));
}

function descriptorsOf({ socketsByWorker }: ServedListener, worker: number): number[] {
  return socketsByWorker[worker]!.map(({ fd }) => fd);
}

function hasDescriptor({ socketsByWorker }: ServedListener, fd: number): boolean {
  return socketsByWorker.flat().some((socket) => socket.fd === fd);
}

function settingsFor(listeners: readonly ServedListener[], tls: TlsByListener): TlsByListener {
  const names = new Set(listeners.map(({ plan }) => plan.name));
  return new Map([...tls].filter(([name]) => names.has(name)));
}
