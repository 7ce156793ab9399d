/** How often one address may fail before it has to wait. */
export interface FailureLimits {
  /** Failures per window. */
  readonly failuresMax: number;
  readonly windowMilliseconds: number;
  /** Addresses that are remembered; the one that began to fail first is forgotten for a new one. */
  readonly addressesMax: number;
}

interface Failures {
  count: number;
  /** Milliseconds of the clock. */
  readonly windowEnd: number;
}

/** Keeps addresses from trying one token after the other. */
export class FailureLimiter {
  readonly #limits: FailureLimits;
  readonly #now: () => number;
  /** In the order of their window ends. */
  readonly #failuresByAddress = new Map<string, Failures>();

  /** @param now - a clock that only goes forward, milliseconds. */
  constructor(limits: FailureLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Seconds that an address has to wait before it is heard again; 0 when it is heard now. */
  waitSeconds(address: string): number {
    const failures = this.#current(address);
    if (failures === undefined || failures.count < this.#limits.failuresMax) return 0;
    return Math.ceil((failures.windowEnd - this.#now()) / 1000);
  }

  /** Notes a failure. */
  fail(address: string): void {
    const failures = this.#current(address);
    if (failures !== undefined) {
      failures.count += 1;
      return;
    }
    const { addressesMax, windowMilliseconds } = this.#limits;
    const [oldest] = this.#failuresByAddress.keys();
    if (oldest !== undefined && this.#failuresByAddress.size >= addressesMax) {
      this.#failuresByAddress.delete(oldest);
    }
    const windowEnd = this.#now() + windowMilliseconds;
    this.#failuresByAddress.set(address, { count: 1, windowEnd });
  }

  #current(address: string): Failures | undefined {
    const failures = this.#failuresByAddress.get(address);
    if (failures === undefined || failures.windowEnd > this.#now()) return failures;
    this.#failuresByAddress.delete(address);
    return undefined;
  }
}
