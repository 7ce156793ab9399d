import type { TransportAddress } from '../../stun/transport-address.ts';
import type { MonotonicMs } from '../../turn/policy.ts';

const ROWS = 2;
const COLUMNS = 65_536;
const COUNT_BITS = 16;
const COUNT_MAX = (1 << COUNT_BITS) - 1;

/** Memory for an answer limiter; pass it to every worker. */
export function createAnswerMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(ROWS * COLUMNS * Int32Array.BYTES_PER_ELEMENT);
}

/**
 * Counts answers by address over all workers in memory that does not grow, however many addresses there are.
 *
 * Each address has a cell in either row, which it may share with others (a count-min sketch); the smaller count is
 * nearest to its own. A cell holds the current second and the answers in it.
 */
export class AnswerLimiter {
  /** Answers per second to one address, an IPv4 address or an IPv6 /64; 0 is no limit. */
  perSecond: number;
  readonly #cells: Int32Array;
  readonly #seed: number;

  /** @param seed - the same in every worker, and unknown to others: it decides which addresses share a cell. */
  constructor(memory: SharedArrayBuffer, seed: number, perSecond: number) {
    this.#cells = new Int32Array(memory);
    this.#seed = seed;
    this.perSecond = perSecond;
  }

  /** True when there may be one more answer to `client` (borrowed) in this second; it is counted then. */
  admit(client: TransportAddress, now: MonotonicMs): boolean {
    if (this.perSecond === 0) return true;
    const second = Math.floor(now / 1000) & COUNT_MAX;
    const first = this.#cellOf(client, 0, this.#seed);
    const other = this.#cellOf(client, 1, ~this.#seed);
    const count = Math.min(this.#countIn(first, second), this.#countIn(other, second));
    if (count >= Math.min(this.perSecond, COUNT_MAX)) return false;
    this.#raise(first, second);
    this.#raise(other, second);
    return true;
  }

  #countIn(cell: number, second: number): number {
    const value = this.#cells[cell]!;
    return value >>> COUNT_BITS === second ? value & COUNT_MAX : 0;
  }

  /** Two workers may count at the same time and one of them get lost, which does no harm. */
  #raise(cell: number, second: number): void {
    const count = Math.min(this.#countIn(cell, second) + 1, COUNT_MAX);
    this.#cells[cell] = (second << COUNT_BITS) | count;
  }

  #cellOf({ family, word0, word1 }: TransportAddress, row: number, seed: number): number {
    let hash = Math.imul(seed ^ word0, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15) ^ word1 ^ family, 0xc2b2ae35);
    hash = Math.imul(hash ^ (hash >>> 13), 0x27d4eb2f);
    return row * COLUMNS + ((hash ^ (hash >>> 16)) & (COLUMNS - 1));
  }
}
