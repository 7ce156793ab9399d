import type { SeededRandom } from '../../../test/support/core/seeded-random.ts';

/** How bad a network is; each number is per thousand datagrams, or per thousand chunks of a stream. */
export interface Faults {
  /** Datagrams that never arrive. */
  readonly lost: number;
  /** Datagrams that arrive twice. */
  readonly duplicated: number;
  /** Those that arrive up to `delayMsMax` later than others that were sent after them. */
  readonly delayed: number;
  readonly delayMsMax: number;
  /** Those in which one bit is another. */
  readonly corrupted: number;
  /** Larger datagrams disappear without a word. */
  readonly largestBytes: number;
}

/** A network without faults. */
export const FAULTLESS: Faults = {
  lost: 0,
  duplicated: 0,
  delayed: 0,
  delayMsMax: 0,
  corrupted: 0,
  largestBytes: Infinity,
};

/** True so many times out of a thousand. */
export function happens(random: SeededRandom, perThousand: number): boolean {
  return random.below(1000) < perThousand;
}

/** A copy with one other bit. */
export function withFlippedBit(bytes: Uint8Array, random: SeededRandom): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy[random.below(copy.length)]! ^= 1 << random.below(8);
  return copy;
}
