import { IPV6, TransportAddress, type AddressFamily } from '../stun/transport-address.ts';
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_DONTFRAG,
  IPV6_MTU_DISCOVER,
  IPV6_RECVERR,
  IPV6_RECVPKTINFO,
  IPV6_V6ONLY,
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IP_PMTUDISC_DO,
  IP_PMTUDISC_DONT,
  IP_RECVERR,
  SK_MEMINFO_RCVBUF,
  SK_MEMINFO_RMEM_ALLOC,
  SK_MEMINFO_VARS,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_MEMINFO,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
} from './layout.ts';
import { loadLibc } from './libc.ts';
import { scratch } from './scratch.ts';
import { SOCKET_ADDRESS_BYTES, readSocketAddress, writeSocketAddress } from './socket-address.ts';
import { SystemError } from './system-error.ts';

/** Connections that wait to be accepted. */
const BACKLOG = 1024;

/** What any bound socket is opened with. */
export interface BindOptions {
  /** Local address, of the one family that the socket is for; port 0 lets the kernel choose. */
  address: TransportAddress;
  /** Shares the port with other sockets of this user that ask for it too; the kernel spreads 5-tuples over them. */
  reusePort?: boolean;
}

/** What a UDP socket is opened with. */
export interface UdpSocketOptions extends BindOptions {
  /** Tells the local address of each datagram received. */
  packetInfo?: boolean;
  /** Queues ICMP errors for `ErrorQueue`. */
  receiveErrors?: boolean;
  /** See `setDontFragment`; default is the kernel's. */
  dontFragment?: boolean;
  /** Wish, capped by the kernel for an unprivileged process. */
  receiveBufferBytes?: number;
  /** Wish, capped by the kernel for an unprivileged process. */
  sendBufferBytes?: number;
}

/** Opens a bound, nonblocking UDP socket; the caller owns the file descriptor. Throws SystemError. */
export function openUdpSocket(options: UdpSocketOptions): number {
  const { packetInfo, receiveErrors, dontFragment, receiveBufferBytes, sendBufferBytes } = options;
  const { family } = options.address;
  return openSocket(SOCK_DGRAM, options, (fd) => {
    if (packetInfo === true) {
      if (family === IPV6) setOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
      else setOption(fd, IPPROTO_IP, IP_PKTINFO, 1);
    }
    if (receiveErrors === true) {
      if (family === IPV6) setOption(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
      else setOption(fd, IPPROTO_IP, IP_RECVERR, 1);
    }
    if (dontFragment !== undefined) setDontFragment(fd, family, dontFragment);
    if (receiveBufferBytes !== undefined) {
      setBufferSize(fd, SO_RCVBUFFORCE, SO_RCVBUF, receiveBufferBytes);
    }
    if (sendBufferBytes !== undefined) {
      setBufferSize(fd, SO_SNDBUFFORCE, SO_SNDBUF, sendBufferBytes);
    }
  });
}

/**
 * Opens another UDP socket on the transport address of one that is bound, nonblocking and not yet connected; the caller
 * owns the file descriptor. Throws SystemError.
 *
 * The first one lets other sockets of this user share the address for a moment, which both of them must.
 */
export function openSecondUdpSocket(
  fd: number,
  options: Omit<UdpSocketOptions, 'address'>,
): number {
  const address = new TransportAddress();
  localAddress(fd, address);
  setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  try {
    return openUdpSocket({ ...options, address, reusePort: true });
  } finally {
    setOption(fd, SOL_SOCKET, SO_REUSEPORT, 0);
  }
}

/** Connects a UDP socket to its only peer, or to another one; throws SystemError. */
export function connectSocket(fd: number, peer: TransportAddress): void {
  const memory = scratch();
  const length = writeSocketAddress(memory, 0, peer);
  check('connect', loadLibc().connect(fd, memory.address, length), peer);
}

/** Opens a bound, nonblocking, listening TCP socket; the caller owns the file descriptor. Throws SystemError. */
export function openTcpListener(options: BindOptions): number {
  const fd = openSocket(SOCK_STREAM, options, (socket) =>
    setOption(socket, SOL_SOCKET, SO_REUSEADDR, 1),
  );
  try {
    check('listen', loadLibc().listen(fd, BACKLOG), options.address);
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
  return fd;
}

/** Reads the address that a socket is bound to; throws SystemError. */
export function localAddress(fd: number, into: TransportAddress): void {
  const memory = scratch();
  const lengthOffset = SOCKET_ADDRESS_BYTES;
  memory.view.setInt32(lengthOffset, SOCKET_ADDRESS_BYTES, true);
  check('getsockname', loadLibc().getsockname(fd, memory.address, memory.address + lengthOffset));
  readSocketAddress(memory, 0, into);
}

/**
 * Sets whether datagrams leave with the DF bit and are refused with EMSGSIZE above the path MTU (RFC 8656 §14).
 *
 * @param family - of the socket. Throws SystemError.
 */
export function setDontFragment(fd: number, family: AddressFamily, on: boolean): void {
  const mode = on ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT;
  if (family === IPV6) {
    setOption(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, mode);
    setOption(fd, IPPROTO_IPV6, IPV6_DONTFRAG, on ? 1 : 0);
  } else {
    setOption(fd, IPPROTO_IP, IP_MTU_DISCOVER, mode);
  }
}

/** Sets an option whose value is an int; throws SystemError. */
export function setOption(fd: number, level: number, name: number, value: number): void {
  check('setsockopt', trySetOption(fd, level, name, value));
}

/** How full the receive buffer of a socket is, from 0 to about 1; 0 where the kernel does not tell (before 4.12). */
export function receiveQueueShare(fd: number): number {
  const { view, address } = scratch();
  const lengthOffset = SK_MEMINFO_VARS * 4;
  view.setUint32(lengthOffset, lengthOffset, true);
  const result = loadLibc().getsockopt(fd, SOL_SOCKET, SO_MEMINFO, address, address + lengthOffset);
  if (result < 0) return 0;
  const used = view.getUint32(SK_MEMINFO_RMEM_ALLOC * 4, true);
  return used / view.getUint32(SK_MEMINFO_RCVBUF * 4, true);
}

/** Closes a file descriptor; errors are ignored, since it is gone either way. */
export function closeSocket(fd: number): void {
  loadLibc().close(fd);
}

function openSocket(type: number, options: BindOptions, configure: (fd: number) => void): number {
  const { address, reusePort = false } = options;
  const libc = loadLibc();
  const isIpv6 = address.family === IPV6;
  const flags = type | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = check('socket', libc.socket(isIpv6 ? AF_INET6 : AF_INET, flags, 0), address);
  try {
    if (isIpv6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (reusePort) setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    configure(fd);
    const memory = scratch();
    const length = writeSocketAddress(memory, 0, address);
    check('bind', libc.bind(fd, memory.address, length), address);
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
  return fd;
}

/** Beyond the system's limit only a privileged process may go. */
function setBufferSize(fd: number, force: number, plain: number, byteLength: number): void {
  if (trySetOption(fd, SOL_SOCKET, force, byteLength) < 0) {
    setOption(fd, SOL_SOCKET, plain, byteLength);
  }
}

function trySetOption(fd: number, level: number, name: number, value: number): number {
  const { address, view } = scratch();
  view.setInt32(0, value, true);
  return loadLibc().setsockopt(fd, level, name, address, 4);
}

function check(syscall: string, result: number, subject?: TransportAddress): number {
  if (result >= 0) return result;
  throw new SystemError(syscall, loadLibc().errno(), subject?.toString());
}
