import type { Arena } from '../../sys/arena.ts';
import { KernelClock } from '../../sys/clock.ts';
import type { MonotonicMs, Now, UnixSeconds } from '../../turn/policy.ts';

const WALL_CLOCK_INTERVAL_MS = 100;

/** Tells a loop the time at every turn, on the clocks of `MonotonicClock`. */
export class LoopClock {
  readonly now: Now = { monotonicMs: 0 as MonotonicMs, unixSeconds: 0 as UnixSeconds };
  readonly #kernel: KernelClock;
  #wallClockDueMs = 0;

  constructor(arena: Arena) {
    this.#kernel = new KernelClock(arena);
    this.update();
  }

  /** Brings `now` up to date; its wall clock may lag by a tenth of a second, for reading that creates a number. */
  update(): void {
    const { now } = this;
    const kernel = this.#kernel;
    kernel.read();
    now.monotonicMs = (kernel.seconds * 1000 + kernel.nanoseconds / 1e6) as MonotonicMs;
    if (now.monotonicMs < this.#wallClockDueMs) return;
    this.#wallClockDueMs = now.monotonicMs + WALL_CLOCK_INTERVAL_MS;
    now.unixSeconds = Math.floor(Date.now() / 1000) as UnixSeconds;
  }
}
