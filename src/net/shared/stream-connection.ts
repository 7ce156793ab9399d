import {
  CONNECTION_FIRST_MESSAGE_SECONDS,
  CONNECTION_IDLE_SECONDS,
  CONNECTION_WRITE_BUFFER_BYTES_MAX,
  STREAM_FRAME_BYTES_MAX,
  STRANGER_FRAME_BYTES_MAX,
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

  constructor(client: Client, now: MonotonicMs) {
    this.client = client;
    this.expiresAtMs = after(now, CONNECTION_FIRST_MESSAGE_SECONDS);
  }

  /** True when the connection has been of no use for too long; otherwise its deadline has moved. */
  isIdle(now: MonotonicMs): boolean {
    if (this.client.allocation === undefined && this.expiresAtMs <= now) return true;
    this.expiresAtMs = after(now, CONNECTION_IDLE_SECONDS);
    return false;
  }

  /** Moves the deadline, since the client has sent a whole message. */
  protected noteMessage(now: MonotonicMs): void {
    this.expiresAtMs = after(now, CONNECTION_IDLE_SECONDS);
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
    return waiting > 2 * CONNECTION_WRITE_BUFFER_BYTES_MAX;
  }
}
