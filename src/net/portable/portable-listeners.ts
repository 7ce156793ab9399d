import { isDeepStrictEqual } from 'node:util';
import type { LogRecord } from '../../log.ts';
import type { ListenerPlan, TlsByListener } from '../data-plane.ts';
import { listenError } from '../shared/listen-error.ts';
import { planChange } from '../shared/listener-change.ts';
import { SerialQueue } from '../shared/serial-queue.ts';
import type { PortableDriver } from './portable-driver.ts';
import { TcpListener } from './tcp-listener.ts';
import { UdpListener } from './udp-listener.ts';

type PortableListener = UdpListener | TcpListener;

/** The listeners of a portable plane. */
export class PortableListeners {
  readonly #driver: PortableDriver;
  readonly #onRecord: (record: LogRecord) => void;
  #listeners: readonly PortableListener[] = [];
  #names: readonly string[] = [];
  #tls: TlsByListener = new Map();
  #isClosed = false;
  /** One change after the other. */
  readonly #queue = new SerialQueue();

  constructor(driver: PortableDriver, onRecord: (record: LogRecord) => void) {
    this.#driver = driver;
    this.#onRecord = onRecord;
  }

  /** Swaps settings for handshakes to come; throws Error of OpenSSL. */
  replaceTls(settings: TlsByListener): void {
    this.#tls = new Map([...this.#tls, ...settings]);
    for (const listener of this.#listeners) {
      const own = settings.get(listener.plan.name);
      if (own !== undefined && listener instanceof TcpListener) listener.replaceTls(own);
    }
  }

  /** See `DataPlane.replaceListeners`; opens the first ones as well. */
  replace(plans: readonly ListenerPlan[], tls: TlsByListener): Promise<void> {
    return this.#queue.run(() => this.#replace(plans, tls));
  }

  /** Closes retired listeners that serve nobody any more. */
  sweep(): void {
    if (!this.#listeners.some(isOver)) return;
    void this.#queue.run(async () => {
      const idle = this.#listeners.filter(isOver);
      this.#forget(idle);
      await Promise.all(idle.map((listener) => listener.close()));
    });
  }

  /** Closes everything; resolves when their connections, which others close, are closed too. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#queue.run(async () => {
      const listeners = this.#listeners;
      this.#listeners = [];
      await Promise.all(listeners.map((listener) => listener.close()));
    });
  }

  async #replace(plans: readonly ListenerPlan[], tls: TlsByListener): Promise<void> {
    const change = planChange(this.#listeners, plans);
    const opened = await this.#openAll(change.opened, tls);
    this.#leave(change.yielding);
    try {
      opened.push(...(await this.#openAll(change.openedAfter, tls)));
    } catch (error) {
      this.#discard(opened);
      await this.#reopen(change.yielding.filter(({ isRetired }) => !isRetired));
      throw error;
    }
    for (const { listener, plan } of change.kept) {
      if (listener.isRetired || !isDeepStrictEqual(listener.plan, plan)) listener.update(plan);
    }
    for (const listener of change.retired) {
      if (listener instanceof UdpListener) listener.retire();
      else this.#leave([listener]);
    }
    const names = new Set(plans.map(({ name }) => name));
    const ended = new Set(this.#names.filter((name) => !names.has(name)));
    if (ended.size > 0) this.#driver.endAt(({ listener }) => ended.has(listener));
    this.#leave(change.closed);
    this.#listeners = [...this.#listeners, ...opened];
    this.#names = [...names];
    this.#tls = tls;
  }

  /** Frees the places of listeners, and ends what lives there on datagrams. */
  #leave(listeners: readonly PortableListener[]): void {
    this.#forget(listeners);
    for (const listener of listeners) {
      if (listener instanceof UdpListener)
        this.#driver.endAt((endpoint) => listener.serves(endpoint));
      // Its place is free at once; connections, which may outlive it, are what it would wait for.
      void listener.close();
    }
  }

  /** Closes listeners that came to be for nothing, with whoever has found them meanwhile. */
  #discard(listeners: readonly PortableListener[]): void {
    this.#leave(listeners);
    for (const listener of listeners) this.#driver.endAt((endpoint) => listener.serves(endpoint));
  }

  /** Puts listeners back that had to yield for nothing. */
  async #reopen(listeners: readonly PortableListener[]): Promise<void> {
    if (this.#isClosed) return;
    for (const { plan } of listeners) {
      try {
        this.#listeners = [...this.#listeners, ...(await this.#openAll([plan], this.#tls))];
      } catch (error) {
        const fields = { listener: plan.name, error: String(error) };
        const message = 'a listener that had to make room cannot be opened again';
        this.#onRecord({ level: 'error', scope: 'relay', message, fields });
      }
    }
  }

  /** Opens all of `plans`, or throws GatewayError GW_ERR_LISTEN and opens none. */
  async #openAll(plans: readonly ListenerPlan[], tls: TlsByListener): Promise<PortableListener[]> {
    const opened: PortableListener[] = [];
    for (const plan of plans) {
      try {
        if (this.#isClosed) throw new Error('the gateway is stopping');
        const listener = this.#listenerFor(plan, tls);
        opened.push(listener);
        await listener.open(this.#onRecord);
      } catch (error) {
        this.#discard(opened);
        throw listenError(plan, error);
      }
    }
    return opened;
  }

  #listenerFor(plan: ListenerPlan, tls: TlsByListener): PortableListener {
    if (plan.protocol === 'udp') return new UdpListener(this.#driver, plan);
    return new TcpListener(this.#driver, plan, tls.get(plan.name));
  }

  #forget(listeners: readonly PortableListener[]): void {
    this.#listeners = this.#listeners.filter((listener) => !listeners.includes(listener));
  }
}

/** True for one that serves nobody and will serve nobody. */
function isOver(listener: PortableListener): boolean {
  return listener instanceof UdpListener && listener.isRetired && listener.isIdle;
}
