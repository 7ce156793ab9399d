import { HANDSHAKES_PENDING_MAX } from '../../limits.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import type { MonotonicMs } from '../../turn/policy.ts';
import { HandshakeLimiter } from './handshake-limiter.ts';

/** Decides who may begin a TLS or DTLS handshake: so many per second, and so many at a time. */
export class HandshakeGate {
  readonly #limiter: HandshakeLimiter;
  #pending = 0;

  /** How many handshakes all clients together, and each of them, may begin in a second. */
  constructor(perSecond: number, perAddressPerSecond: number) {
    this.#limiter = new HandshakeLimiter(perSecond, perAddressPerSecond);
  }

  /** Swaps how many handshakes may begin from now on. */
  replaceRates(perSecond: number, perAddressPerSecond: number): void {
    this.#limiter.replaceRates(perSecond, perAddressPerSecond);
  }

  /** Handshakes that have begun and are not over. */
  get pending(): number {
    return this.#pending;
  }

  /** True when `client` (borrowed) may begin a handshake; `leave` has to be called once it is over. */
  enter(client: TransportAddress, now: MonotonicMs): boolean {
    if (this.#pending >= HANDSHAKES_PENDING_MAX || !this.#limiter.take(client, now)) return false;
    this.#pending++;
    return true;
  }

  /** A handshake that had entered is over, however it ended. */
  leave(): void {
    this.#pending--;
  }
}
