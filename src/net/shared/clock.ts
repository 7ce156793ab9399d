import type { MonotonicMs, Now, UnixSeconds } from '../../turn/policy.ts';

const WALL_CLOCK_INTERVAL_MS = 100;

/** Reads the two clocks; the monotonic one counts from the same instant in every thread of the process. */
export class MonotonicClock {
  #wallClockDueMs = 0;

  /** Milliseconds since some instant before the process began. */
  monotonicMs(): MonotonicMs {
    // Destructured, the pair is never created, while `performance.now()` creates a boxed number for each call.
    const [seconds, nanoseconds] = process.hrtime();
    return (seconds * 1000 + nanoseconds / 1e6) as MonotonicMs;
  }

  /** Whole seconds since 1970, rounded down. */
  unixSeconds(): UnixSeconds {
    return Math.floor(Date.now() / 1000) as UnixSeconds;
  }

  /** Brings `now` up to date and creates nothing; its wall clock may lag by a tenth of a second. */
  update(now: Now): void {
    now.monotonicMs = this.monotonicMs();
    if (now.monotonicMs < this.#wallClockDueMs) return;
    this.#wallClockDueMs = now.monotonicMs + WALL_CLOCK_INTERVAL_MS;
    now.unixSeconds = this.unixSeconds();
  }
}
