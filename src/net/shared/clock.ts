import type { MonotonicMs, Now, UnixSeconds } from '../../turn/policy.ts';

/** Reads the two clocks; the monotonic one counts from the same instant in every thread of the process. */
export class MonotonicClock {
  /** Milliseconds since some instant before the process began. */
  monotonicMs(): MonotonicMs {
    const [seconds, nanoseconds] = process.hrtime();
    return (seconds * 1000 + nanoseconds / 1e6) as MonotonicMs;
  }

  /** Whole seconds since 1970, rounded down. */
  unixSeconds(): UnixSeconds {
    return Math.floor(Date.now() / 1000) as UnixSeconds;
  }

  /** Brings `now` up to date. */
  update(now: Now): void {
    now.monotonicMs = this.monotonicMs();
    now.unixSeconds = this.unixSeconds();
  }
}
