import type { MonotonicMs, UnixSeconds } from '../../turn/policy.ts';

/** Milliseconds since some instant before the process began, the same in every thread. */
export function readMonotonicMs(): MonotonicMs {
  const [seconds, nanoseconds] = process.hrtime();
  return (seconds * 1000 + nanoseconds / 1e6) as MonotonicMs;
}

/** Whole seconds since 1970, rounded down. */
export function readUnixSeconds(): UnixSeconds {
  return Math.floor(Date.now() / 1000) as UnixSeconds;
}
