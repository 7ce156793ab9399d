/**
 * Takes one message, borrowed until it returns: a datagram, or a frame of a stream.
 *
 * `stamp` is the `timeStamp` of its arrival, 0 on streams.
 */
export type MessageHandler = (
  bytes: Uint8Array,
  offset: number,
  length: number,
  stamp: number,
) => void;

/** Something that messages arrive at. */
export interface Receiver {
  readonly fd: number;
  /** Hands over every message that waits, and does not block; throws when the connection is dead. */
  receive(take: MessageHandler): void;
}

/** How one client talks to the server: over a socket, and so a 5-tuple, of its own. */
export interface ClientTransport extends Receiver {
  /**
   * Sends a message that lies in the generator's arena, with a system call and on TLS a record of its own.
   *
   * @returns false when there is no room for it now.
   */
  send(offset: number, length: number): boolean;
  /** Closes the socket. */
  close(): void;
}
