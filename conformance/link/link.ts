import type { Address } from '../wire/address.ts';
import type { Inbox } from './inbox.ts';

/** A way to the server with an own 5-tuple; it ends with the case. */
export interface Link {
  readonly local: Address;
  /** True where messages are bytes of a stream, so that they need framing and arrive in order. */
  readonly isStream: boolean;
  /** Whole messages from the server, the padding of ChannelData included. */
  readonly inbox: Inbox<Buffer>;
  /** Sends a datagram, or bytes of a stream. */
  send(bytes: Buffer): void;
  /** Says that nothing more will be sent; only streams can. */
  finish(): void;
  close(): Promise<void>;
}
