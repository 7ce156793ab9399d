import type { Test } from 'tap';

/** Lets the monotonic clock of this process jump ahead for the rest of a test; timers fire when they would anyway. */
export function skipTime(t: Test, ms: number): void {
  const real = process.hrtime;
  const ahead = (): [number, number] => {
    const [seconds, nanoseconds] = real();
    return [seconds + ms / 1000, nanoseconds];
  };
  t.intercept(process, 'hrtime', { value: Object.assign(ahead, real) });
}
