import {
  CONNECTION_FIRST_BYTE_SECONDS,
  CONNECTION_FIRST_MESSAGE_SECONDS,
  CONNECTION_STRANGER_SECONDS,
  HANDSHAKE_SECONDS,
} from '../../limits.ts';
import type { Client } from '../../turn/allocation.ts';
import type { Expiring } from '../../turn/expiry.ts';
import { after } from '../../turn/lifetime.ts';
import type { MonotonicMs } from '../../turn/policy.ts';

/** How long a client's connection or association lives, in every data plane. */
export abstract class ClientConnection implements Expiring {
  readonly client: Client;
  expiresAtMs: MonotonicMs;
  /** True once the connection is closed. */
  isGone = false;
  #strangerUntilMs: MonotonicMs;

  constructor(client: Client, now: MonotonicMs) {
    this.client = client;
    this.expiresAtMs = after(now, CONNECTION_FIRST_BYTE_SECONDS);
    this.#strangerUntilMs = after(now, CONNECTION_STRANGER_SECONDS);
  }

  /** True while the client has no allocation: it has proven nothing and is owed nothing. */
  get isStranger(): boolean {
    return this.client.allocation === undefined;
  }

  /** Moves the deadline of a connection with an allocation, which has no end of its own. */
  prolong(now: MonotonicMs): void {
    this.#strangerUntilMs = after(now, CONNECTION_STRANGER_SECONDS);
    this.expiresAtMs = this.#strangerUntilMs;
  }

  /** Notes that a TLS or DTLS handshake begins, which has to end soon. */
  protected noteHandshake(now: MonotonicMs): void {
    this.expiresAtMs = after(now, HANDSHAKE_SECONDS);
  }

  /** Notes that messages can be sent from now on; the first one has to come soon. */
  protected noteOpen(now: MonotonicMs): void {
    this.expiresAtMs = after(now, CONNECTION_FIRST_MESSAGE_SECONDS);
  }

  /** Notes a whole message: the first one gives a stranger time to allocate, further ones give it no more. */
  protected noteMessage(): void {
    if (this.expiresAtMs < this.#strangerUntilMs) this.expiresAtMs = this.#strangerUntilMs;
  }
}
