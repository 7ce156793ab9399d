import { GatewayError } from '../../errors.ts';
import type { LogRecord } from '../../log.ts';
import type {
  ConnectionLimits,
  CoreSetup,
  DataPlane,
  ListenerPlan,
  TlsByListener,
} from '../data-plane.ts';
import { listenError } from '../shared/listen-error.ts';
import type { TurnCore } from '../turn-core.ts';
import { PortableDriver } from './portable-driver.ts';
import { TcpListener } from './tcp-listener.ts';
import { UdpListener } from './udp-listener.ts';

/** What a portable plane is made from. */
export interface PortablePlaneOptions<Policies> {
  readonly listeners: readonly ListenerPlan[];
  /** Settings of every listener with TLS. */
  readonly tls: TlsByListener;
  readonly limits: ConnectionLimits;
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
  #tls: TlsByListener;
  #listeners: (UdpListener | TcpListener)[] = [];

  constructor(options: PortablePlaneOptions<Policies>) {
    this.#options = options;
    this.#core = options.createCore({ ...options.setup, worker: 0 }, false);
    this.#driver = new PortableDriver(this.#core, options.limits);
    this.#tls = options.tls;
  }

  async start(): Promise<void> {
    const { listeners } = this.#options;
    refuseDtls(listeners);
    for (const plan of listeners) {
      try {
        const listener = this.#listenerFor(plan);
        this.#listeners.push(listener);
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

  replaceTls(settings: TlsByListener): void {
    this.#tls = settings;
    for (const listener of this.#listeners) {
      const own = listener instanceof TcpListener ? settings.get(listener.name) : undefined;
      if (own !== undefined) (listener as TcpListener).replaceTls(own);
    }
  }

  async stop(): Promise<void> {
    const listeners = this.#listeners;
    this.#listeners = [];
    const stopped = this.#driver.stop();
    await Promise.all([stopped, ...listeners.map((listener) => listener.close())]);
  }

  #listenerFor(plan: ListenerPlan): UdpListener | TcpListener {
    if (plan.protocol === 'udp') return new UdpListener(this.#driver, plan);
    return new TcpListener(this.#driver, plan, this.#tls.get(plan.name));
  }
}

function refuseDtls(listeners: readonly ListenerPlan[]): void {
  const refused = listeners.find(({ protocol }) => protocol === 'dtls');
  if (refused === undefined) return;
  throw new GatewayError(
    'GW_ERR_UNSUPPORTED',
    `listener "${refused.name}" asks for DTLS, which the portable mode cannot serve: DTLS needs the reactor (Linux ` +
      'on x64 or arm64, without --portable); TURN-TLS works here as well',
  );
}
