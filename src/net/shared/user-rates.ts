import { USER_RATE_ENTRIES_MAX } from '../../limits.ts';
import type { Now, UserMeter } from '../../turn/policy.ts';
import type { Rate } from '../../turn/rate-meter.ts';
import { keyOf } from './text-key.ts';

const KEY_HIGH = 0;
const KEY_LOW = 1;
const SECOND = 2;
const UP = 3;
const DOWN = 5;
const ENTRY_WORDS = 7;
const PROBES_MAX = 16;

/** Memory for the rates of users; pass it to every worker. */
export function createUserRateMemory(): SharedArrayBuffer {
  const words = USER_RATE_ENTRIES_MAX * ENTRY_WORDS;
  return new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT);
}

/**
 * Counts the traffic of users in the current second over all workers together.
 *
 * An entry is free again as soon as its second is over, so nothing has to be given back, also not by a worker that
 * died. Two workers that begin a second at the same time may forget a packet of it.
 */
export class UserRates {
  /** Of one user, each way. */
  rate: Rate;
  readonly #words: Int32Array;

  /** `memory` comes from `createUserRateMemory`. */
  constructor(memory: SharedArrayBuffer, rate: Rate) {
    this.#words = new Int32Array(memory);
    this.rate = rate;
  }

  /** The meter of a user. */
  meterOf(userId: string): UserMeter {
    const { high, low } = keyOf(userId);
    return {
      admit: (isUp, bytes, now) => this.#admit(high, low, isUp ? UP : DOWN, bytes, now),
    };
  }

  #admit(high: number, low: number, way: number, bytes: number, { monotonicMs }: Now): boolean {
    const { bytesPerSecond, packetsPerSecond } = this.rate;
    if (bytesPerSecond === 0 && packetsPerSecond === 0) return true;
    const entry = this.#entryOf(high, low, Math.floor(monotonicMs / 1000) | 0);
    // When there are more users at a time than entries, nobody is cut off for it.
    if (entry < 0) return true;
    const words = this.#words;
    const at = entry + way;
    if (bytesPerSecond > 0 && Atomics.load(words, at) >= bytesPerSecond) return false;
    if (packetsPerSecond > 0 && Atomics.load(words, at + 1) >= packetsPerSecond) return false;
    Atomics.add(words, at, bytes);
    Atomics.add(words, at + 1, 1);
    return true;
  }

  /** The entry of a user in a second, begun anew where it is of another one; -1 when there is none. */
  #entryOf(high: number, low: number, second: number): number {
    const words = this.#words;
    let free = -1;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const entry = ((low + probe) & (USER_RATE_ENTRIES_MAX - 1)) * ENTRY_WORDS;
      const isCurrent = words[entry + SECOND] === second;
      if (words[entry + KEY_HIGH] === high && words[entry + KEY_LOW] === low) {
        if (!isCurrent) this.#begin(entry, high, low, second);
        return entry;
      }
      if (!isCurrent && free < 0) free = entry;
    }
    if (free >= 0) this.#begin(free, high, low, second);
    return free;
  }

  #begin(entry: number, high: number, low: number, second: number): void {
    const words = this.#words;
    words.fill(0, entry + UP, entry + ENTRY_WORDS);
    words[entry + KEY_HIGH] = high;
    words[entry + KEY_LOW] = low;
    words[entry + SECOND] = second;
  }
}
