import type { Arena } from './arena.ts';
import { CLOCK_MONOTONIC, TIMESPEC } from './layout.ts';
import { type Libc, loadLibc } from './libc.ts';

/** Reads the monotonic clock of the kernel and creates nothing, unlike `performance.now` and `process.hrtime`. */
export class KernelClock {
  readonly #view: DataView;
  readonly #libc: Libc;
  readonly #time: number;
  readonly #timeAddress: bigint;

  /** Takes a few bytes from `arena`; throws RangeError when that is full. */
  constructor(arena: Arena) {
    this.#view = arena.view;
    this.#libc = loadLibc();
    this.#time = arena.allocate(TIMESPEC.size);
    this.#timeAddress = BigInt(arena.address + this.#time);
  }

  /** Takes the time that `seconds` and `nanoseconds` then tell; it counts from where `process.hrtime` does. */
  read(): void {
    this.#libc.clock_gettime(CLOCK_MONOTONIC, this.#timeAddress);
  }

  /** Whole seconds. */
  get seconds(): number {
    return this.#view.getInt32(this.#time + TIMESPEC.tv_sec, true);
  }

  /** 0 to 999,999,999. */
  get nanoseconds(): number {
    return this.#view.getInt32(this.#time + TIMESPEC.tv_nsec, true);
  }
}
