import { Arena } from '../../src/sys/arena.ts';
import { KernelClock } from '../../src/sys/clock.ts';
import { TIMESPEC } from '../../src/sys/layout.ts';
import { loadLibc } from '../../src/sys/libc.ts';

/** Of clock_gettime(2). */
const CLOCK_REALTIME = 0;
const CALIBRATIONS = 1000;

/**
 * The generator's clock, which creates nothing and tells times that can be compared with the kernel's time stamps.
 *
 * The kernel stamps packets by its real-time clock. That one is steered together with the monotonic one and apart from
 * it only jumps, so one look at both when a run begins is enough.
 */
export class LoadClock {
  readonly #arena = new Arena(4096);
  readonly #clock = new KernelClock(this.#arena);
  readonly #realTime = this.#arena.allocate(TIMESPEC.size);
  #startSeconds = 0;
  #startNanoseconds = 0;
  #realTimeOffset = 0;

  /** Begins to count from 0. */
  start(): void {
    this.#realTimeOffset = this.#measureOffset();
    this.#clock.read();
    this.#startSeconds = this.#clock.seconds;
    this.#startNanoseconds = this.#clock.nanoseconds;
  }

  /** Takes the time that `elapsedMicroseconds` and `stamp` then tell. */
  read(): void {
    this.#clock.read();
  }

  /** Since `start`; a small integer for half an hour. */
  get elapsedMicroseconds(): number {
    const seconds = this.#clock.seconds - this.#startSeconds;
    const nanoseconds = this.#clock.nanoseconds - this.#startNanoseconds;
    return seconds * 1_000_000 + ((nanoseconds / 1000) | 0);
  }

  /** Nanoseconds of the real-time clock as `timeStamp` has them. */
  get stamp(): number {
    return (timeStamp(this.#clock.seconds, this.#clock.nanoseconds) + this.#realTimeOffset) | 0;
  }

  /** Real time minus monotonic time; of many measurements the one that was interrupted least. */
  #measureOffset(): number {
    let offset = 0;
    let narrowest = Infinity;
    for (let count = 0; count < CALIBRATIONS; count++) {
      const before = this.#monotonicStamp();
      const real = this.#realTimeStamp();
      const width = (this.#monotonicStamp() - before) | 0;
      if (width >= narrowest) continue;
      narrowest = width;
      offset = (real - before - (width >> 1)) | 0;
    }
    return offset;
  }

  #monotonicStamp(): number {
    this.#clock.read();
    return timeStamp(this.#clock.seconds, this.#clock.nanoseconds);
  }

  #realTimeStamp(): number {
    const { address, view } = this.#arena;
    loadLibc().clock_gettime(CLOCK_REALTIME, address + this.#realTime);
    return readTimeStamp(view, this.#realTime);
  }
}

/** Nanoseconds modulo 2^32, signed: the difference of two tells times of up to two seconds. */
export function timeStamp(seconds: number, nanoseconds: number): number {
  return (Math.imul(seconds, 1_000_000_000) + nanoseconds) | 0;
}

/** The `timeStamp` of a `struct timespec` at `offset`. */
export function readTimeStamp(view: DataView, offset: number): number {
  const seconds = view.getInt32(offset + TIMESPEC.tv_sec, true);
  return timeStamp(seconds, view.getInt32(offset + TIMESPEC.tv_nsec, true));
}
