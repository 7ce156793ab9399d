import { constants } from 'node:os';
import { TransportAddress } from '../stun/transport-address.ts';
import type { Arena } from './arena.ts';
import { findControlMessage } from './control-message.ts';
import {
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVERR,
  IP_RECVERR,
  MSGHDR,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  SOCK_EXTENDED_ERR,
} from './layout.ts';
import { loadLibc } from './libc.ts';
import { SOCKET_ADDRESS_BYTES, readSocketAddress } from './socket-address.ts';
import { SystemError } from './system-error.ts';

const { EAGAIN } = constants.errno;
const CONTROL_BYTES = 256;

/** Reads the ICMP errors that datagrams of a UDP socket met; its fields describe the latest one read. */
export class ErrorQueue {
  /** Where the failed datagram was sent; reused. */
  readonly destination = new TransportAddress();
  /** Who reports: SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6, or another number for this host. */
  origin = 0;
  /** ICMP type. */
  type = 0;
  /** ICMP code. */
  code = 0;
  /** More about it; the path MTU where the datagram was too big. */
  info = 0;
  readonly #arena: Arena;
  readonly #message: number;
  readonly #name: number;
  readonly #control: number;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#message = arena.allocate(MSGHDR.size);
    this.#name = arena.allocate(SOCKET_ADDRESS_BYTES);
    this.#control = arena.allocate(CONTROL_BYTES);
    arena.writePointer(this.#message + MSGHDR.msg_name, this.#name);
    arena.writePointer(this.#message + MSGHDR.msg_control, this.#control);
  }

  /**
   * Takes one error from the queue of `fd`.
   *
   * @returns false when there is none, and the fields keep their values.
   * @throws SystemError when `fd` is no socket.
   */
  read(fd: number): boolean {
    const libc = loadLibc();
    const arena = this.#arena;
    const message = this.#message;
    const { view } = arena;
    view.setInt32(message + MSGHDR.msg_namelen, SOCKET_ADDRESS_BYTES, true);
    view.setInt32(message + MSGHDR.msg_controllen, CONTROL_BYTES, true);
    view.setUint16(this.#name, 0);
    if (libc.recvmsg(fd, arena.address + message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
      const errno = libc.errno();
      if (errno === EAGAIN) return false;
      throw new SystemError('recvmsg', errno, 'error queue');
    }
    if (!readSocketAddress(arena, this.#name, this.destination)) this.destination.setIpv4(0, 0);
    this.#readExtendedError(view);
    return true;
  }

  #readExtendedError(view: DataView): void {
    const start = this.#control;
    const end = start + view.getInt32(this.#message + MSGHDR.msg_controllen, true);
    const { size } = SOCK_EXTENDED_ERR;
    const ipv4 = findControlMessage(view, start, end, IPPROTO_IP, IP_RECVERR, size);
    const ipv6 = findControlMessage(view, start, end, IPPROTO_IPV6, IPV6_RECVERR, size);
    const at = ipv4 >= 0 ? ipv4 : ipv6;
    const isPresent = at >= 0;
    this.origin = isPresent ? view.getUint8(at + SOCK_EXTENDED_ERR.ee_origin) : 0;
    this.type = isPresent ? view.getUint8(at + SOCK_EXTENDED_ERR.ee_type) : 0;
    this.code = isPresent ? view.getUint8(at + SOCK_EXTENDED_ERR.ee_code) : 0;
    this.info = isPresent ? view.getUint32(at + SOCK_EXTENDED_ERR.ee_info, true) : 0;
  }
}
