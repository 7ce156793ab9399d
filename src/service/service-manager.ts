import { errorText } from '../errors.ts';
import type { Log } from '../log.ts';
import { checkSupport } from '../sys/libc.ts';
import { SystemError } from '../sys/system-error.ts';
import { sendUnixDatagram } from '../sys/unix-datagram.ts';

const RETRY_MS = 100;
/** A manager that takes nothing is told the latest states. */
const UNTOLD_MAX = 16;

/** The variables by which systemd says what it wants to be told. */
export interface ManagerEnvironment {
  /** Where notifications go; undefined: nobody wants any. */
  readonly NOTIFY_SOCKET?: string | undefined;
  /** The process is ended when it has not been heard of for so long, microseconds. */
  readonly WATCHDOG_USEC?: string | undefined;
  /** The process that is meant; undefined: this one. */
  readonly WATCHDOG_PID?: string | undefined;
}

/** Tells the service manager how the process does (sd_notify(3)); silent where nobody listens. */
export class ServiceManager {
  readonly #socket: string | undefined;
  readonly #watchdogMs: number;
  readonly #log: Log;
  /** States that the manager has not taken yet. */
  readonly #untold: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(environment: ManagerEnvironment, log: Log) {
    this.#log = log;
    this.#socket = this.#socketIn(environment);
    this.#watchdogMs = watchdogMs(environment);
  }

  /** Everything is open; from now on the watchdog hears of the process as long as it is alive. */
  serving(isAlive: () => boolean): void {
    this.#tell('READY=1');
    if (this.#watchdogMs === 0) return;
    // Twice as often as it has to be (sd_watchdog_enabled(3)).
    this.#timer = setInterval(() => {
      if (isAlive() && this.#untold.length === 0) this.#tell('WATCHDOG=1');
    }, this.#watchdogMs / 2).unref();
  }

  /** Runs a reload between the words that it has begun and that it is over. */
  async reloading(reload: () => Promise<void>): Promise<void> {
    const microseconds = process.hrtime.bigint() / 1000n;
    this.#tell(`RELOADING=1\nMONOTONIC_USEC=${microseconds}`);
    await reload().finally(() => this.#tell('READY=1'));
  }

  /** The process ends as soon as its calls have; the watchdog goes on. */
  stopping(): void {
    this.#tell('STOPPING=1');
  }

  /** Nothing more is told. */
  close(): void {
    clearInterval(this.#timer);
  }

  #socketIn({ NOTIFY_SOCKET = '' }: ManagerEnvironment): string | undefined {
    if (NOTIFY_SOCKET === '') return undefined;
    const support = checkSupport();
    if (support.supported) return NOTIFY_SOCKET;
    const { reason } = support;
    this.#log.scope('gateway').warn({ reason }, 'the service manager cannot be told anything');
    return undefined;
  }

  #tell(state: string): void {
    if (this.#socket === undefined) return;
    if (this.#untold.length === UNTOLD_MAX) this.#untold.pop();
    this.#untold.push(state);
    if (this.#untold.length === 1) this.#tellUntold(this.#socket);
  }

  /** In order; what a manager with a full queue does not take waits, since it ends who seems not to have started. */
  #tellUntold(socket: string): void {
    for (let state = this.#untold[0]; state !== undefined; state = this.#untold[0]) {
      try {
        sendUnixDatagram(socket, state);
      } catch (error) {
        if (error instanceof SystemError && error.code === 'EAGAIN') {
          setTimeout(() => this.#tellUntold(socket), RETRY_MS).unref();
          return;
        }
        const reason = errorText(error);
        this.#log.scope('gateway').warn({ reason }, 'the service manager is deaf');
      }
      this.#untold.shift();
    }
  }
}

function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: ManagerEnvironment): number {
  const isForUs = WATCHDOG_PID === undefined || WATCHDOG_PID === `${process.pid}`;
  const milliseconds = Number(WATCHDOG_USEC) / 1000;
  return isForUs && milliseconds > 0 ? milliseconds : 0;
}
