import type { TransportAddress } from '../stun/transport-address.ts';
import type { Arena } from './arena.ts';
import {
  IPPROTO_TCP,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  TCP_NODELAY,
} from './layout.ts';
import { loadLibc } from './libc.ts';
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
  const received = libc.recv(fd, arena.addressOf(offset), length, MSG_DONTWAIT);
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
  const sent = libc.send(fd, arena.addressOf(offset), length, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 ? -libc.errno() : sent;
}

/** Sets whether small writes leave at once; throws SystemError. */
export function setNoDelay(fd: number, on: boolean): void {
  setOption(fd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
}

function checkRange(arena: Arena, offset: number, length: number): void {
  if (offset < 0 || length < 0 || offset + length > arena.bytes.length) {
    throw new RangeError(`no such bytes in the arena: ${length} at ${offset}`);
  }
}
