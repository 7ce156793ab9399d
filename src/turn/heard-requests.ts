import { int32At } from '../stun/big-endian.ts';
import type { StunMessage } from '../stun/message.ts';
import { HEARD_REQUESTS_BITS, HEARD_REQUESTS_SECONDS } from '../limits.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { MonotonicMs } from './policy.ts';

const WORDS = HEARD_REQUESTS_BITS / 32;
const GENERATION_MS = HEARD_REQUESTS_SECONDS * 1000;

/**
 * Remembers requests for a while, in memory that does not grow, so that one that is sent again is known (RFC 8489
 * §6.2.1).
 *
 * There is one bit for a request, by a hash of the client and the transaction, in one of two generations: now and then
 * a first request is taken for a repeated one, but none that is repeated in time for a first one.
 */
export class HeardRequests {
  #current = new Uint32Array(WORDS);
  #previous = new Uint32Array(WORDS);
  #endsAtMs = -Infinity;

  /** True when the request has been heard before; from now on it has. `client` and `message` are borrowed. */
  isRepeated(client: TransportAddress, message: StunMessage, now: MonotonicMs): boolean {
    if (now >= this.#endsAtMs) this.#begin(now);
    const bit = bitOf(client, message);
    const word = bit >>> 5;
    const mask = 1 << (bit & 31);
    const isHeard = ((this.#current[word]! | this.#previous[word]!) & mask) !== 0;
    this.#current[word]! |= mask;
    return isHeard;
  }

  /** Forgets the generation before the one that is over, and that one as well when it has been over for long. */
  #begin(now: MonotonicMs): void {
    const over = this.#current;
    this.#current = this.#previous.fill(0);
    this.#previous = now >= this.#endsAtMs + GENERATION_MS ? over.fill(0) : over;
    this.#endsAtMs = now + GENERATION_MS;
  }
}

function bitOf(client: TransportAddress, { bytes, transactionIdOffset: at }: StunMessage): number {
  let hash = Math.imul(client.hash() ^ int32At(bytes, at), 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15) ^ int32At(bytes, at + 4), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ int32At(bytes, at + 8), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) & (HEARD_REQUESTS_BITS - 1);
}
