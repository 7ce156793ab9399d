import type { MonotonicMs, UnixSeconds } from '../../turn/policy.ts';

/**
 * Reads the two clocks; the monotonic one counts from the same instant in every thread of the process.
 *
 * `performance.now()` is cheap but counts from the start of its own thread, hence the offset.
 */
export class MonotonicClock {
  readonly #offsetMs: number;

  constructor() {
    const [seconds, nanoseconds] = process.hrtime();
    this.#offsetMs = seconds * 1000 + nanoseconds / 1e6 - performance.now();
  }

  /** Milliseconds since some instant before the process began. */
  monotonicMs(): MonotonicMs {
    return (performance.now() + this.#offsetMs) as MonotonicMs;
  }

  /** Whole seconds since 1970, rounded down. */
  unixSeconds(): UnixSeconds {
    return Math.floor(Date.now() / 1000) as UnixSeconds;
  }
}
