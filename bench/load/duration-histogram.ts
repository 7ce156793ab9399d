import type { Percentiles } from './protocol.ts';

/** Buckets in each power of two: the middle of one is less than 1 % from either end. */
const STEPS = 64;
const STEP_BITS = 6;
/** Enough for every positive 32-bit integer. */
const BUCKETS = (32 - STEP_BITS) * STEPS;

/** Counts durations in buckets whose width is about 1.6 % of their value; counting creates nothing. */
export class DurationHistogram {
  /** Durations counted. */
  count = 0;
  readonly #buckets = new Int32Array(BUCKETS);

  /** @param nanoseconds - a 32-bit integer; one below 0, as of two clocks that disagree a little, counts as 0. */
  add(nanoseconds: number): void {
    this.count++;
    this.#buckets[bucketOf(nanoseconds < 0 ? 0 : nanoseconds)]!++;
  }

  /** Null when nothing was counted. */
  percentiles(): Percentiles | null {
    if (this.count === 0) return null;
    return { p50: this.#at(0.5), p99: this.#at(0.99), p999: this.#at(0.999) };
  }

  /** The duration that `share` of all do not exceed, microseconds. */
  #at(share: number): number {
    let left = Math.ceil(share * this.count);
    let bucket = -1;
    while (left > 0) left -= this.#buckets[++bucket]!;
    return middleOf(bucket) / 1000;
  }
}

function bucketOf(value: number): number {
  if (value < STEPS) return value;
  const shift = 31 - Math.clz32(value) - STEP_BITS;
  return ((shift + 1) << STEP_BITS) + (value >> shift) - STEPS;
}

function middleOf(bucket: number): number {
  const row = bucket >> STEP_BITS;
  if (row === 0) return bucket;
  const width = 2 ** (row - 1);
  return ((bucket & (STEPS - 1)) + STEPS + 0.5) * width;
}
