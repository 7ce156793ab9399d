import assert from 'node:assert';
import type { Arena } from './arena.ts';
import { IOVEC, MMSGHDR, MSGHDR, UIO_MAXIOV } from './layout.ts';
import { SOCKET_ADDRESS_BYTES } from './socket-address.ts';

/** Room for the control messages of one datagram: packet information (40) and a segment size (24), bytes. */
export const CONTROL_BYTES = 64;

/**
 * An array of `struct mmsghdr` in an arena, each with one iovec, room for an address and for control messages.
 *
 * All pointers are written once; a batch changes lengths, and a sender the iovec's base.
 */
export class MessageArray {
  /** Number of messages, at most 1024. */
  readonly capacity: number;
  /** Native address of each message. */
  readonly addresses: readonly bigint[];
  readonly #messages: number;
  readonly #vectors: number;
  readonly #names: number;
  readonly #controls: number;

  constructor(arena: Arena, capacity: number) {
    assert(Number.isInteger(capacity) && capacity > 0 && capacity <= UIO_MAXIOV);
    this.capacity = capacity;
    this.#messages = arena.allocate(capacity * MMSGHDR.size, 64);
    this.#vectors = arena.allocate(capacity * IOVEC.size, 64);
    this.#names = arena.allocate(capacity * SOCKET_ADDRESS_BYTES, 64);
    this.#controls = arena.allocate(capacity * CONTROL_BYTES, 64);
    this.addresses = Array.from({ length: capacity }, (_, index) =>
      BigInt(arena.address + this.header(index)),
    );
    for (let index = 0; index < capacity; index++) {
      const header = this.header(index);
      arena.writePointer(header + MSGHDR.msg_name, this.name(index));
      arena.writePointer(header + MSGHDR.msg_iov, this.vector(index));
      arena.view.setInt32(header + MSGHDR.msg_iovlen, 1, true);
      arena.writePointer(header + MSGHDR.msg_control, this.control(index));
    }
  }

  /** Offset of the `struct mmsghdr`, which begins with the `struct msghdr`. */
  header(index: number): number {
    return this.#messages + index * MMSGHDR.size;
  }

  /** Offset of the `struct iovec`. */
  vector(index: number): number {
    return this.#vectors + index * IOVEC.size;
  }

  /** Offset of the socket address. */
  name(index: number): number {
    return this.#names + index * SOCKET_ADDRESS_BYTES;
  }

  /** Offset of the control messages. */
  control(index: number): number {
    return this.#controls + index * CONTROL_BYTES;
  }
}
