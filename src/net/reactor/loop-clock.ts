import type { Arena } from '../../sys/arena.ts';
import { KernelClock } from '../../sys/clock.ts';
import type { MonotonicMs, Now } from '../../turn/policy.ts';
import { readUnixSeconds } from '../shared/clock.ts';

const WALL_CLOCK_INTERVAL_MS = 100;
/** Turns that follow each other so fast share one reading. */
const BUSY_MS = 2;
const SHARED_TURNS = 4;

/** Tells a loop the time at every turn, on the clocks of `net/shared/clock.ts`. */
export class LoopClock {
  readonly now: Now = { monotonicMs: 0 as MonotonicMs, unixSeconds: readUnixSeconds() };
  readonly #kernel: KernelClock;
  #wallClockDueMs = 0;
  #turnsToSkip = 0;

  constructor(arena: Arena) {
    this.#kernel = new KernelClock(arena);
    this.update();
  }

  /**
   * Brings `now` up to date, at every fourth turn only while turns are short, since a reading costs as much as half a
   * packet. The wall clock may lag by a tenth of a second: reading it creates a number.
   */
  update(): void {
    if (this.#turnsToSkip > 0) {
      this.#turnsToSkip--;
      return;
    }
    const { now } = this;
    const before = now.monotonicMs;
    this.#kernel.read();
    now.monotonicMs = (this.#kernel.seconds * 1000 + this.#kernel.nanoseconds / 1e6) as MonotonicMs;
    this.#turnsToSkip = now.monotonicMs - before < BUSY_MS ? SHARED_TURNS - 1 : 0;
    if (now.monotonicMs < this.#wallClockDueMs) return;
    this.#wallClockDueMs = now.monotonicMs + WALL_CLOCK_INTERVAL_MS;
    now.unixSeconds = readUnixSeconds();
  }
}
