import type { MonotonicMs, Now } from './policy.ts';

/** How much may flow in a second; 0 is no limit. */
export interface Rate {
  readonly bytesPerSecond: number;
  readonly packetsPerSecond: number;
}

/** The rates that rules give to allocations. */
export interface AllocationRates {
  /** Of one allocation, each way. */
  readonly allocationRate: Rate;
  /** Of an allocation beyond the quota of its user; undefined: no more of them are made. */
  readonly degradedRate: Rate | undefined;
}

/** The rate of an allocation; a degraded one keeps its `last` rate when there are to be no more of them. */
export function rateOf(
  { allocationRate, degradedRate }: AllocationRates,
  isDegraded: boolean,
  last = allocationRate,
): Rate {
  return isDegraded ? (degradedRate ?? last) : allocationRate;
}

const BYTES_LEFT = 0;
const PACKETS_LEFT = 1;
const UPDATED_AT = 2;

/** A token bucket for one direction of one allocation, as deep as one second of its rate; creates no object. */
export class RateMeter {
  readonly #state = new Float64Array(3);
  #rate: Rate;

  constructor(rate: Rate, now: MonotonicMs) {
    this.#rate = rate;
    this.#fill(now);
  }

  get rate(): Rate {
    return this.#rate;
  }

  /** Swaps the rate; the bucket is full then, unless the rate is the same. */
  replace(rate: Rate, now: MonotonicMs): void {
    const { bytesPerSecond, packetsPerSecond } = this.#rate;
    this.#rate = rate;
    const isSame =
      rate.bytesPerSecond === bytesPerSecond && rate.packetsPerSecond === packetsPerSecond;
    if (!isSame) this.#fill(now);
  }

  /** Takes one packet out of the bucket; false when it must be dropped. */
  admit(bytes: number, now: Now): boolean {
    const { bytesPerSecond, packetsPerSecond } = this.#rate;
    if (bytesPerSecond === 0 && packetsPerSecond === 0) return true;
    const state = this.#state;
    const elapsedMs = now.monotonicMs - state[UPDATED_AT]!;
    if (elapsedMs > 0) {
      const seconds = elapsedMs / 1000;
      state[UPDATED_AT] = now.monotonicMs;
      state[BYTES_LEFT] = Math.min(bytesPerSecond, state[BYTES_LEFT]! + bytesPerSecond * seconds);
      state[PACKETS_LEFT] = Math.min(
        packetsPerSecond,
        state[PACKETS_LEFT]! + packetsPerSecond * seconds,
      );
    }
    // A packet may overdraw what is left of the bytes, so that a low rate does not stop large packets for ever.
    if (bytesPerSecond > 0 && state[BYTES_LEFT]! <= 0) return false;
    if (packetsPerSecond > 0 && state[PACKETS_LEFT]! < 1) return false;
    state[BYTES_LEFT] = state[BYTES_LEFT]! - bytes;
    state[PACKETS_LEFT] = state[PACKETS_LEFT]! - 1;
    return true;
  }

  #fill(now: MonotonicMs): void {
    this.#state[BYTES_LEFT] = this.#rate.bytesPerSecond;
    this.#state[PACKETS_LEFT] = this.#rate.packetsPerSecond;
    this.#state[UPDATED_AT] = now;
  }
}
