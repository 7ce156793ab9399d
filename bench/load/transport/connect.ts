import {
  AF_INET,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_SNDBUF,
} from '../../../src/sys/layout.ts';
import { loadLibc } from '../../../src/sys/libc.ts';
import { scratch } from '../../../src/sys/scratch.ts';
import { setOption } from '../../../src/sys/socket.ts';
import { writeSocketAddress } from '../../../src/sys/socket-address.ts';
import { setNoDelay } from '../../../src/sys/stream.ts';
import { SystemError } from '../../../src/sys/system-error.ts';
import type { TransportAddress } from '../../../src/stun/transport-address.ts';
import { native } from './native.ts';

const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
/** So that a server under too much load is not left with megabytes to read when the load ends. */
const SEND_BUFFER_BYTES = 128 * 1024;

/**
 * Connects a client's TCP socket, on which small writes leave at once; waits for the server. Throws SystemError.
 *
 * @param client - IP address to connect from.
 */
export function connectStream(client: TransportAddress, server: TransportAddress): number {
  const libc = loadLibc();
  const memory = scratch();
  const fd = check('socket', libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  setOption(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES);
  const clientLength = writeSocketAddress(memory, 0, client);
  check('bind', libc.bind(fd, memory.address, clientLength));
  const serverLength = writeSocketAddress(memory, 0, server);
  check(`connect ${server.toString()}`, native.connect(fd, memory.address, serverLength));
  setNoDelay(fd, true);
  return fd;
}

/** Makes calls on a socket return at once. */
export function setNonblocking(fd: number): void {
  check('fcntl', native.fcntl(fd, F_SETFL, O_NONBLOCK));
}

function check(syscall: string, result: number): number {
  if (result >= 0) return result;
  throw new SystemError(syscall, loadLibc().errno());
}
