import type { Arena } from '../../sys/arena.ts';
import { KernelClock } from '../../sys/clock.ts';
import type { MonotonicMs, Now } from '../../turn/policy.ts';
import { readUnixSeconds } from '../shared/clock.ts';

const WALL_CLOCK_INTERVAL_MS = 100;

/** Tells a loop the time at every turn, on the clocks of `net/shared/clock.ts`. */
export class LoopClock {
  readonly now: Now = { monotonicMs: 0 as MonotonicMs, unixSeconds: readUnixSeconds() };
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
    now.unixSeconds = readUnixSeconds();
  }
}
