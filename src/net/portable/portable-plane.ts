import { GatewayError } from '../../errors.ts';
import type { LogRecord } from '../../log.ts';
import type {
  ConnectionLimits,
  CoreSetup,
  DataPlane,
  ListenerPlan,
  TlsByListener,
  WorkerHealth,
} from '../data-plane.ts';
import type { SessionPage, SessionQuery, SessionTarget } from '../session.ts';
import { TimerLag } from '../shared/timer-lag.ts';
import type { TurnCore } from '../turn-core.ts';
import { PortableDriver } from './portable-driver.ts';
import { PortableListeners } from './portable-listeners.ts';

const TICK_MS = 1000;

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
  readonly #listeners: PortableListeners;
  readonly #lag = new TimerLag(TICK_MS);

  constructor(options: PortablePlaneOptions<Policies>) {
    this.#options = options;
    this.#core = options.createCore({ ...options.setup, worker: 0 }, false);
    this.#driver = new PortableDriver(this.#core, options.limits);
    this.#listeners = new PortableListeners(this.#driver, options.onRecord);
  }

  async start(): Promise<void> {
    const { listeners, tls } = this.#options;
    try {
      await this.replaceListeners(listeners, tls);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#lag.start(() => this.#listeners.sweep());
  }

  replacePolicies(policies: Partial<Policies>): void {
    this.#driver.handle((_server, now) => this.#core.replacePolicies(policies, now));
  }

  replaceTls(settings: TlsByListener): void {
    this.#listeners.replaceTls(settings);
  }

  replaceLimits(limits: ConnectionLimits): void {
    this.#driver.replaceLimits(limits);
  }

  async replaceListeners(listeners: readonly ListenerPlan[], tls: TlsByListener): Promise<void> {
    refuseDtls(listeners);
    await this.#listeners.replace(listeners, tls);
  }

  async sessions(query: SessionQuery): Promise<SessionPage> {
    return this.#driver.sessions(query);
  }

  async endSessions(target: SessionTarget): Promise<number> {
    return this.#driver.endSessions(target);
  }

  workers(): readonly WorkerHealth[] {
    return [{ lagMs: this.#lag.ms, restarts: 0 }];
  }

  async stop(): Promise<void> {
    this.#lag.stop();
    await Promise.all([this.#driver.stop(), this.#listeners.close()]);
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
