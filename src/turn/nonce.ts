import { putUint32 } from '../stun/big-endian.ts';
import { equalBytes, hmacSha256 } from '../stun/integrity.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import { NONCE_LIFETIME_SECONDS } from '../limits.ts';
import type { MonotonicMs } from './policy.ts';

const COOKIE = 'obMatJos2';
const FEATURES_CHARACTERS = 4;
const TIME_BYTES = 4;
const MAC_BYTES = 8;

// Bit 0 of the 24 is the rightmost one, as in the nonce of RFC 8489 appendix B.1.
const FEATURE_PASSWORD_ALGORITHMS = 1 << 0;
const FEATURE_USERNAME_ANONYMITY = 1 << 1;

/** What a NONCE is worth: only `valid` passes; `stale` was ours once; `foreign` was never issued to this client. */
export type NonceState = 'valid' | 'stale' | 'foreign';

/**
 * Issues and verifies nonces without storing any (RFC 8489 §9.2, RFC 8656 §5).
 *
 * A nonce is the cookie, the security feature bits, the time of issue and a MAC over these and the client's transport
 * address. The time is monotonic, so that a jump of the wall clock does not make every client stale at once.
 */
export class NonceIssuer {
  readonly #key: Uint8Array;
  readonly #features: number;

  /** `key` signs all nonces; every worker must have the same one. */
  constructor(
    key: Uint8Array,
    options: { usesPasswordAlgorithms: boolean; usesUserhash: boolean },
  ) {
    this.#key = key;
    this.#features =
      (options.usesPasswordAlgorithms ? FEATURE_PASSWORD_ALGORITHMS : 0) |
      (options.usesUserhash ? FEATURE_USERNAME_ANONYMITY : 0);
  }

  /** A new nonce for one client transport address, 29 characters. */
  issue(client: TransportAddress, now: MonotonicMs): string {
    return this.#nonceOf(secondsOf(now), client);
  }

  /** Judges a nonce that a client sent. */
  verify(nonce: string, client: TransportAddress, now: MonotonicMs): NonceState {
    const stamp = Buffer.from(nonce.slice(COOKIE.length + FEATURES_CHARACTERS), 'base64');
    if (stamp.length !== TIME_BYTES + MAC_BYTES) return 'foreign';
    const issuedAt = stamp.readUInt32BE(0);
    // Comparing the text leaves no second spelling of one nonce, which base64 would.
    const issued = this.#nonceOf(issuedAt, client);
    if (!equalBytes(Buffer.from(nonce), Buffer.from(issued))) return 'foreign';
    return secondsOf(now) - issuedAt <= NONCE_LIFETIME_SECONDS ? 'valid' : 'stale';
  }

  #nonceOf(seconds: number, client: TransportAddress): string {
    const stamp = new Uint8Array(TIME_BYTES + MAC_BYTES);
    putUint32(stamp, 0, seconds);
    stamp.set(this.#mac(stamp.subarray(0, TIME_BYTES), client), TIME_BYTES);
    const features = Buffer.from([0, 0, this.#features]).toString('base64');
    return COOKIE + features + Buffer.from(stamp).toString('base64');
  }

  #mac(time: Uint8Array, client: TransportAddress): Uint8Array {
    const input = new Uint8Array(TIME_BYTES + 20);
    input.set(time);
    input[4] = this.#features;
    input[5] = client.family;
    input[6] = client.port >>> 8;
    input[7] = client.port;
    putUint32(input, 8, client.word0);
    putUint32(input, 12, client.word1);
    putUint32(input, 16, client.word2);
    putUint32(input, 20, client.word3);
    return hmacSha256(this.#key, input).subarray(0, MAC_BYTES);
  }
}

function secondsOf(now: MonotonicMs): number {
  return Math.floor(now / 1000);
}
