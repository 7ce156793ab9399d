import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { TransportAddress } from '../../../stun/transport-address.ts';
import type { MonotonicMs } from '../../../turn/policy.ts';
import type { ClientHello } from './client-hello.ts';

const COOKIE_BYTES = 16;
const SECRET_BYTES = 32;
const RANDOM_BYTES = 32;
/** A cookie is good in the window that it was made in, and in the next. */
const WINDOW_MS = 30_000;

/**
 * Stateless cookies: a client that returns one receives what is sent to its address, and until then costs nothing but a
 * hash (RFC 6347 §4.2.1).
 */
export class DtlsCookies {
  readonly #secret = randomBytes(SECRET_BYTES);
  readonly #input = Buffer.alloc(4 + 16 + 2 + RANDOM_BYTES);

  /** The cookie for a client that has sent `hello`. */
  issue(client: TransportAddress, hello: ClientHello, now: MonotonicMs): Uint8Array {
    return this.#cookieOf(client, hello, windowOf(now));
  }

  /** True when the hello carries a cookie that was issued for it, and not long ago. */
  verify(client: TransportAddress, hello: ClientHello, now: MonotonicMs): boolean {
    if (hello.cookieLength !== COOKIE_BYTES) return false;
    const { bytes, cookieOffset } = hello;
    const cookie = bytes.subarray(cookieOffset, cookieOffset + COOKIE_BYTES);
    const window = windowOf(now);
    return [window, window - 1].some((candidate) => {
      return timingSafeEqual(cookie, this.#cookieOf(client, hello, candidate));
    });
  }

  #cookieOf(client: TransportAddress, hello: ClientHello, window: number): Uint8Array {
    const input = this.#input;
    input.writeUInt32BE(window >>> 0, 0);
    input.writeInt32BE(client.word0, 4);
    input.writeInt32BE(client.word1, 8);
    input.writeInt32BE(client.word2, 12);
    input.writeInt32BE(client.word3, 16);
    input.writeUInt16BE(client.port, 20);
    input.set(hello.bytes.subarray(hello.randomOffset, hello.randomOffset + RANDOM_BYTES), 22);
    return createHmac('sha256', this.#secret).update(input).digest().subarray(0, COOKIE_BYTES);
  }
}

function windowOf(now: MonotonicMs): number {
  return Math.floor(now / WINDOW_MS);
}
