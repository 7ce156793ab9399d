import {
  AF_UNIX,
  MSG_NOSIGNAL,
  SOCKADDR_UN,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from './layout.ts';
import { loadLibc } from './libc.ts';
import { scratch } from './scratch.ts';
import { closeSocket } from './socket.ts';
import { SystemError } from './system-error.ts';

const PATH_BYTES_MAX = SOCKADDR_UN.size - SOCKADDR_UN.sun_path;

/**
 * Sends one datagram to a Unix socket, which Node.js has no way to do; for messages that are rare.
 *
 * @param path - of the socket; one that begins with `@` is in the abstract namespace (unix(7)).
 * @param text - short enough for a page of memory, with the address.
 * @throws SystemError when nobody takes it, EAGAIN when nobody does now; RangeError when path or text are too long.
 */
export function sendUnixDatagram(path: string, text: string): void {
  const { address, bytes, view } = scratch();
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path);
  const data = Buffer.from(text);
  if (name.length >= PATH_BYTES_MAX || SOCKADDR_UN.size + data.length > bytes.length) {
    throw new RangeError(`too long for a datagram to ${path}`);
  }
  view.setUint16(SOCKADDR_UN.sun_family, AF_UNIX, true);
  bytes.set(name, SOCKADDR_UN.sun_path);
  bytes.set(data, SOCKADDR_UN.size);
  const libc = loadLibc();
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw new SystemError('socket', libc.errno(), path);
  const nameBytes = SOCKADDR_UN.sun_path + name.length;
  const payload = address + SOCKADDR_UN.size;
  const sent = libc.sendto(fd, payload, data.length, MSG_NOSIGNAL, address, nameBytes);
  const errno = libc.errno();
  closeSocket(fd);
  if (sent < 0) throw new SystemError('sendto', errno, path);
}
