import { errorText } from '../errors.ts';
import type { Log } from '../log.ts';
import { checkSupport } from '../sys/libc.ts';
import { sendUnixDatagram } from '../sys/unix-datagram.ts';

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
  #timer: NodeJS.Timeout | undefined;

  constructor(environment: ManagerEnvironment, log: Log) {
    const { NOTIFY_SOCKET = '' } = environment;
    this.#socket = NOTIFY_SOCKET !== '' && checkSupport().supported ? NOTIFY_SOCKET : undefined;
    this.#watchdogMs = watchdogMs(environment);
    this.#log = log;
  }

  /** Everything is open; from now on the watchdog hears of the process as long as it is alive. */
  serving(isAlive: () => boolean): void {
    this.#tell('READY=1');
    if (this.#watchdogMs === 0) return;
    // Twice as often as it has to be (sd_watchdog_enabled(3)).
    this.#timer = setInterval(() => {
      if (isAlive()) this.#tell('WATCHDOG=1');
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

  #tell(state: string): void {
    if (this.#socket === undefined) return;
    try {
      sendUnixDatagram(this.#socket, state);
    } catch (error) {
      this.#log.scope('gateway').warn({ reason: errorText(error) }, 'the service manager is deaf');
    }
  }
}

function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: ManagerEnvironment): number {
  const isForUs = WATCHDOG_PID === undefined || WATCHDOG_PID === `${process.pid}`;
  const milliseconds = Number(WATCHDOG_USEC) / 1000;
  return isForUs && milliseconds > 0 ? milliseconds : 0;
}
