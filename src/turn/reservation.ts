import type { Expiring } from './expiry.ts';
import type { MonotonicMs } from './policy.ts';

/** The watch that the reserving server keeps over a reservation until somebody takes it or its time is up. */
export class HeldReservation implements Expiring {
  /** Hex token. */
  readonly token: string;
  /** Never: whether it was taken is asked of the store when the time is up. */
  readonly isGone = false;
  readonly expiresAtMs: MonotonicMs;

  constructor(token: string, expiresAtMs: MonotonicMs) {
    this.token = token;
    this.expiresAtMs = expiresAtMs;
  }
}
