import type { TransportAddress } from '../stun/transport-address.ts';
import type { Arena } from './arena.ts';
import {
  IOVEC,
  IPPROTO_TCP,
  MSGHDR,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SHUT_WR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  TCP_NODELAY,
} from './layout.ts';
import { type Libc, loadLibc } from './libc.ts';
import { scratch } from './scratch.ts';
import { setOption } from './socket.ts';
import { SOCKET_ADDRESS_BYTES, readSocketAddress } from './socket-address.ts';

/**
 * Accepts a connection as a nonblocking socket, which the caller owns.
 *
 * @param peer - receives the remote address.
 * @returns its file descriptor, or a negated errno: EAGAIN when none waits.
 */
export function acceptStream(listener: number, peer: TransportAddress): number {
  const libc = loadLibc();
  const memory = scratch();
  const { address, view } = memory;
  view.setInt32(SOCKET_ADDRESS_BYTES, SOCKET_ADDRESS_BYTES, true);
  const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = libc.accept4(listener, address, address + SOCKET_ADDRESS_BYTES, flags);
  if (fd < 0) return -libc.errno();
  readSocketAddress(memory, 0, peer);
  return fd;
}

/**
 * Receives up to `length` bytes into the arena at `offset`.
 *
 * @returns how many, 0 at the end of the stream, or a negated errno.
 * @throws RangeError when the bytes are not in the arena.
 */
export function receiveStream(fd: number, arena: Arena, offset: number, length: number): number {
  const libc = loadLibc();
  checkRange(arena, offset, length);
  const received = libc.recv(fd, arena.address + offset, length, MSG_DONTWAIT);
  return received < 0 ? -libc.errno() : received;
}

/**
 * Sends `length` bytes of the arena from `offset` on.
 *
 * @returns how many the kernel took, maybe fewer, or a negated errno.
 * @throws RangeError when the bytes are not in the arena.
 */
export function sendStream(fd: number, arena: Arena, offset: number, length: number): number {
  const libc = loadLibc();
  checkRange(arena, offset, length);
  const sent = libc.send(fd, arena.address + offset, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 ? -libc.errno() : sent;
}

/** Sets whether small writes leave at once; throws SystemError. */
export function setNoDelay(fd: number, on: boolean): void {
  setOption(fd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
}

/** Ends the sending side of a connection; errors are ignored, since the peer may be gone already. */
export function shutdownStream(fd: number): void {
  loadLibc().shutdown(fd, SHUT_WR);
}

/** Collects pieces of an arena that are sent on a stream with one system call. */
export class GatherBatch {
  /** Pieces added since the last send. */
  count = 0;
  private readonly arena: Arena;
  private readonly libc: Libc;
  private readonly capacity: number;
  private readonly message: number;
  private readonly vectors: number;

  /** @param capacity - pieces held, at most 1024. */
  constructor(arena: Arena, capacity: number) {
    this.arena = arena;
    this.libc = loadLibc();
    this.capacity = capacity;
    this.message = arena.allocate(MSGHDR.size);
    this.vectors = arena.allocate(capacity * IOVEC.size);
    arena.writePointer(this.message + MSGHDR.msg_iov, this.vectors);
  }

  /** True when the pieces must be sent before the next `add`. */
  get isFull(): boolean {
    return this.count === this.capacity;
  }

  /** Adds `length` bytes at `offset`, which must stay until they are sent; throws RangeError when full or outside. */
  add(offset: number, length: number): void {
    if (this.isFull) throw new RangeError('the batch is full');
    checkRange(this.arena, offset, length);
    const vector = this.vectors + this.count * IOVEC.size;
    this.arena.writePointer(vector + IOVEC.iov_base, offset);
    this.arena.view.setInt32(vector + IOVEC.iov_len, length, true);
    this.count += 1;
  }

  /**
   * Sends all pieces in order and forgets them.
   *
   * @returns how many bytes the kernel took, maybe fewer than were added, or a negated errno.
   */
  send(fd: number): number {
    const { arena, libc, message } = this;
    arena.view.setInt32(message + MSGHDR.msg_iovlen, this.count, true);
    this.count = 0;
    const sent = libc.sendmsg(fd, arena.address + message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? -libc.errno() : sent;
  }
}

function checkRange(arena: Arena, offset: number, length: number): void {
  if (offset < 0 || length < 0 || offset + length > arena.bytes.length) {
    throw new RangeError(`no such bytes in the arena: ${length} at ${offset}`);
  }
}
