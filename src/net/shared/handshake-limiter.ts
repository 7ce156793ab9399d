import { randomInt } from 'node:crypto';
import { HANDSHAKE_RATE_ENTRIES_MAX } from '../../limits.ts';
import { IPV6, type TransportAddress } from '../../stun/transport-address.ts';
import type { MonotonicMs } from '../../turn/policy.ts';

/** Entries that an address may be in. */
const WAYS = 8;
const SETS = HANDSHAKE_RATE_ENTRIES_MAX / WAYS;
const BURST_MIN = 5;

/**
 * Grants handshakes by token buckets, one for all clients and one for each: an IPv4 address or an IPv6 /64. A bucket
 * holds a second's worth, and at least 5.
 *
 * It remembers a fixed number of clients. A new one takes the place of the one with the fullest bucket among a few
 * chosen by a secret hash, since a client with a full bucket is as good as one never seen.
 */
export class HandshakeLimiter {
  #perSecond = 0;
  #perAddressPerSecond = 0;
  #burst = 0;
  #addressBurst = 0;
  readonly #seed = randomInt(2 ** 32) | 0;

  #tokens = 0;
  #refilledAt = 0;

  /** Family of the client, 0 while the entry is empty. */
  readonly #families = new Uint8Array(HANDSHAKE_RATE_ENTRIES_MAX);
  readonly #words0 = new Int32Array(HANDSHAKE_RATE_ENTRIES_MAX);
  readonly #words1 = new Int32Array(HANDSHAKE_RATE_ENTRIES_MAX);
  /** Handshakes that the client had left at the instant of the same entry. */
  readonly #addressTokens = new Float64Array(HANDSHAKE_RATE_ENTRIES_MAX);
  readonly #addressRefilledAt = new Float64Array(HANDSHAKE_RATE_ENTRIES_MAX);

  /** How many handshakes all clients together, and each of them, may begin in a second. */
  constructor(perSecond: number, perAddressPerSecond: number) {
    this.replaceRates(perSecond, perAddressPerSecond);
    this.#tokens = this.#burst;
  }

  /** Swaps the rates; what buckets hold stays, as far as they still hold so much. */
  replaceRates(perSecond: number, perAddressPerSecond: number): void {
    this.#perSecond = perSecond;
    this.#perAddressPerSecond = perAddressPerSecond;
    this.#burst = Math.max(perSecond, BURST_MIN);
    this.#addressBurst = Math.max(perAddressPerSecond, BURST_MIN);
  }

  /** True when `client` (borrowed) may begin a handshake, which then counts; what is refused does not count. */
  take(client: TransportAddress, now: MonotonicMs): boolean {
    this.#refill(now);
    if (this.#tokens < 1) return false;
    const entry = this.#entryOf(client, now);
    const left = this.#leftAt(entry, now);
    if (left < 1) return false;
    this.#tokens--;
    this.#addressTokens[entry] = left - 1;
    this.#addressRefilledAt[entry] = now;
    return true;
  }

  #refill(now: MonotonicMs): void {
    const seconds = Math.max(0, now - this.#refilledAt) / 1000;
    this.#tokens = Math.min(this.#burst, this.#tokens + seconds * this.#perSecond);
    this.#refilledAt = now;
  }

  #leftAt(entry: number, now: MonotonicMs): number {
    const seconds = Math.max(0, now - this.#addressRefilledAt[entry]!) / 1000;
    const tokens = this.#addressTokens[entry]! + seconds * this.#perAddressPerSecond;
    return Math.min(this.#addressBurst, tokens);
  }

  /** The entry of a client, which gets one with a full bucket when it has none. */
  #entryOf({ family, word0, word1 }: TransportAddress, now: MonotonicMs): number {
    const second = family === IPV6 ? word1 : 0;
    const first = this.#hash(family, word0, second) * WAYS;
    let fullest = first;
    let most = -1;
    for (let entry = first; entry < first + WAYS; entry++) {
      if (this.#isOf(entry, family, word0, second)) return entry;
      const left = this.#families[entry] === 0 ? Infinity : this.#leftAt(entry, now);
      if (left <= most) continue;
      fullest = entry;
      most = left;
    }
    this.#families[fullest] = family;
    this.#words0[fullest] = word0;
    this.#words1[fullest] = second;
    this.#addressTokens[fullest] = this.#addressBurst;
    this.#addressRefilledAt[fullest] = now;
    return fullest;
  }

  #isOf(entry: number, family: number, word0: number, word1: number): boolean {
    return (
      this.#words0[entry] === word0 &&
      this.#words1[entry] === word1 &&
      this.#families[entry] === family
    );
  }

  /** The set of entries that a client may be in. */
  #hash(family: number, word0: number, word1: number): number {
    let hash = Math.imul(word0 ^ this.#seed, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15) ^ word1, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13) ^ family, 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) & (SETS - 1);
  }
}
