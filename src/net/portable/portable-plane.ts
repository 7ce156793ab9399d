import type { CoreSetup, DataPlane, ListenerPlan } from '../data-plane.ts';
import type { LogRecord } from '../../log.ts';
import { listenError } from '../shared/listen-error.ts';
import type { TurnCore } from '../turn-core.ts';
import { PortableDriver } from './portable-driver.ts';
import { TcpListener } from './tcp-listener.ts';
import { UdpListener } from './udp-listener.ts';

/** What a portable plane is made from. */
export interface PortablePlaneOptions<Policies> {
  readonly listeners: readonly ListenerPlan[];
  /** Memory for one worker. */
  readonly setup: Omit<CoreSetup<Policies>, 'worker'>;
  /** Makes the core; called once. */
  readonly createCore: (
    setup: CoreSetup<Policies>,
    isDontFragmentSupported: boolean,
  ) => TurnCore<Policies>;
  readonly onRecord: (record: LogRecord) => void;
}

/**
 * One core in the main thread over the sockets of Node.js, for hosts where the system cannot be called directly.
 *
 * It cannot set the don't-fragment bit, and learns of no ICMP errors.
 */
export class PortablePlane<Policies> implements DataPlane<Policies> {
  readonly mode = 'portable';
  readonly #options: PortablePlaneOptions<Policies>;
  readonly #core: TurnCore<Policies>;
  readonly #driver: PortableDriver;
  #listeners: (UdpListener | TcpListener)[] = [];

  constructor(options: PortablePlaneOptions<Policies>) {
    this.#options = options;
    this.#core = options.createCore({ ...options.setup, worker: 0 }, false);
    this.#driver = new PortableDriver(this.#core);
  }

  async start(): Promise<void> {
    for (const plan of this.#options.listeners) {
      const Listener = plan.protocol === 'udp' ? UdpListener : TcpListener;
      const listener = new Listener(this.#driver, plan);
      this.#listeners.push(listener);
      try {
        await listener.open(this.#options.onRecord);
      } catch (error) {
        await this.stop();
        throw listenError(plan, error);
      }
    }
  }

  replacePolicies(policies: Policies): void {
    this.#driver.handle(() => this.#core.replacePolicies(policies));
  }

  async stop(): Promise<void> {
    const listeners = this.#listeners;
    this.#listeners = [];
    const stopped = this.#driver.stop();
    await Promise.all([stopped, ...listeners.map((listener) => listener.close())]);
  }
}
