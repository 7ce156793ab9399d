import {
  CONNECTION_FIRST_MESSAGE_SECONDS,
  CONNECTION_STRANGER_SECONDS,
  CONNECTION_WRITE_BUFFER_BYTES_MAX,
  STREAM_FRAME_BYTES_MAX,
  STRANGER_FRAME_BYTES_MAX,
  STRANGER_UNREAD_BYTES_MAX,
} from '../../limits.ts';
import type { Client } from '../../turn/allocation.ts';
import type { Expiring } from '../../turn/expiry.ts';
import { after } from '../../turn/lifetime.ts';
import type { MonotonicMs } from '../../turn/policy.ts';

/** What a client's stream connection may do in every data plane: how long it lives, how much it leaves unread. */
export abstract class StreamConnection implements Expiring {
  readonly client: Client;
  expiresAtMs: MonotonicMs;
  /** True once the connection is closed. */
  isGone = false;
  #strangerUntilMs: MonotonicMs;

  constructor(client: Client, now: MonotonicMs) {
    this.client = client;
    this.expiresAtMs = after(now, CONNECTION_FIRST_MESSAGE_SECONDS);
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

  /** Notes a whole message: the first one gives a stranger time to allocate, further ones give it no more. */
  protected noteMessage(): void {
    if (this.expiresAtMs < this.#strangerUntilMs) this.expiresAtMs = this.#strangerUntilMs;
  }

  /** Longest frame that the client may send now, bytes. */
  protected get frameBytesMax(): number {
    return this.client.allocation === undefined ? STRANGER_FRAME_BYTES_MAX : STREAM_FRAME_BYTES_MAX;
  }

  /** True when relayed data is to be dropped, because `waiting` bytes are unread already. */
  protected isTooSlowFor(length: number, waiting: number): boolean {
    return waiting > 0 && waiting + length > CONNECTION_WRITE_BUFFER_BYTES_MAX;
  }

  /** True when the client has left so many bytes of responses unread that it is to be disconnected. */
  protected isUnresponsive(waiting: number): boolean {
    const max = this.isStranger ? STRANGER_UNREAD_BYTES_MAX : 2 * CONNECTION_WRITE_BUFFER_BYTES_MAX;
    return waiting > max;
  }
}
