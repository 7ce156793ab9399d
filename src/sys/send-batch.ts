import { constants } from 'node:os';
import { IPV6, type TransportAddress } from '../stun/transport-address.ts';
import type { Arena } from './arena.ts';
import { controlSpace, writeControlHeader } from './control-message.ts';
import {
  IN6_PKTINFO,
  IN_PKTINFO,
  IOVEC,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  IP_PKTINFO,
  MSGHDR,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SYS_sendmmsg,
} from './layout.ts';
import { type Libc, loadLibc } from './libc.ts';
import { MessageArray } from './message-array.ts';
import { writeIpv6, writeSocketAddress } from './socket-address.ts';

const { EAGAIN, ENOBUFS } = constants.errno;

/** Collects datagrams whose payloads lie in an arena and sends them through one socket with one system call. */
export class SendBatch {
  /** Datagrams added since the last flush. */
  count = 0;
  readonly #arena: Arena;
  readonly #view: DataView;
  readonly #byteLength: number;
  readonly #libc: Libc;
  readonly #messages: MessageArray;

  /** @param capacity - datagrams held, at most 1024; throws RangeError when `arena` is full. */
  constructor(arena: Arena, capacity: number) {
    this.#libc = loadLibc();
    this.#arena = arena;
    this.#view = arena.view;
    this.#byteLength = arena.bytes.length;
    this.#messages = new MessageArray(arena, capacity);
  }

  /** True when the batch must be flushed before the next `add`. */
  get isFull(): boolean {
    return this.count === this.#messages.capacity;
  }

  /**
   * Adds a datagram; the source address is the kernel's choice.
   *
   * @param payloadOffset - where its bytes lie in the arena; they must stay until the flush.
   * @param destination - copied.
   * @throws RangeError when the batch is full or the bytes are not in the arena.
   */
  add(payloadOffset: number, length: number, destination: TransportAddress): void {
    const header = this.#append(payloadOffset, length, destination);
    this.#view.setInt32(header + MSGHDR.msg_controllen, 0, true);
  }

  /** Adds a datagram as `add` does that leaves from the IP address of `source`; its port is the socket's. */
  addFrom(
    payloadOffset: number,
    length: number,
    destination: TransportAddress,
    source: TransportAddress,
  ): void {
    const index = this.count;
    const header = this.#append(payloadOffset, length, destination);
    const control = this.#messages.control(index);
    const controlBytes = writePacketInfo(this.#view, control, source);
    this.#view.setInt32(header + MSGHDR.msg_controllen, controlBytes, true);
  }

  /**
   * Sends all datagrams through `fd` and empties the batch.
   *
   * A datagram that cannot be sent does not hold up those behind it, unless the socket's buffer is full: then the rest
   * is dropped.
   *
   * @returns how many were not sent.
   */
  flush(fd: number): number {
    const { count } = this;
    this.count = 0;
    let failed = 0;
    let retried = -1;
    let next = 0;
    while (next < count) {
      const sent = this.#send(fd, this.#messages.addresses[next]!, count - next);
      if (sent > 0) {
        next += sent;
        continue;
      }
      if (sent === -EAGAIN || sent === -ENOBUFS) return failed + count - next;
      // The first failure may only report the ICMP error that an earlier datagram met.
      if (retried !== next) {
        retried = next;
        continue;
      }
      failed += 1;
      next += 1;
    }
    return failed;
  }

  #send(fd: number, address: bigint, count: number): number {
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const sent = this.#libc.syscall(SYS_sendmmsg, fd, address, count, flags, 0);
    return sent < 0 ? -this.#libc.errno() : sent;
  }

  #append(payloadOffset: number, length: number, destination: TransportAddress): number {
    const arena = this.#arena;
    const messages = this.#messages;
    const view = this.#view;
    const index = this.count;
    if (index === messages.capacity) throw new RangeError('the batch is full');
    if (payloadOffset < 0 || length < 0 || payloadOffset + length > this.#byteLength) {
      throw new RangeError(`no such bytes in the arena: ${length} at ${payloadOffset}`);
    }
    const header = messages.header(index);
    const vector = messages.vector(index);
    arena.writePointer(vector + IOVEC.iov_base, payloadOffset);
    view.setInt32(vector + IOVEC.iov_len, length, true);
    const nameLength = writeSocketAddress(arena, messages.name(index), destination);
    view.setInt32(header + MSGHDR.msg_namelen, nameLength, true);
    this.count = index + 1;
    return header;
  }
}

function writePacketInfo(view: DataView, at: number, source: TransportAddress): number {
  if (source.family === IPV6) {
    const data = writeControlHeader(view, at, IPPROTO_IPV6, IPV6_PKTINFO, IN6_PKTINFO.size);
    writeIpv6(view, data + IN6_PKTINFO.ipi6_addr, source);
    view.setInt32(data + IN6_PKTINFO.ipi6_ifindex, 0);
    return controlSpace(IN6_PKTINFO.size);
  }
  const data = writeControlHeader(view, at, IPPROTO_IP, IP_PKTINFO, IN_PKTINFO.size);
  view.setInt32(data + IN_PKTINFO.ipi_ifindex, 0);
  view.setInt32(data + IN_PKTINFO.ipi_spec_dst, source.word0);
  view.setInt32(data + IN_PKTINFO.ipi_addr, 0);
  return controlSpace(IN_PKTINFO.size);
}
