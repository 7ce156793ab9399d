import assert from 'node:assert';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { Arena } from './arena.ts';
import { findControlMessage } from './control-message.ts';
import {
  IN6_PKTINFO,
  IN_PKTINFO,
  IOVEC,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  IP_PKTINFO,
  MMSGHDR,
  MSGHDR,
  MSG_DONTWAIT,
  MSG_TRUNC,
  SYS_recvmmsg,
} from './layout.ts';
import { type Libc, loadLibc } from './libc.ts';
import { CONTROL_BYTES, MessageArray } from './message-array.ts';
import { SOCKET_ADDRESS_BYTES, readIpv6, readSocketAddress } from './socket-address.ts';

const CACHE_LINE_BYTES = 64;

/** Sizes of a `ReceiveBatch`. */
export interface ReceiveBatchOptions {
  /** Datagrams held at once, at most 1024. */
  slots: number;
  /** Longest datagram kept whole, bytes. */
  slotBytes: number;
  /** Bytes in front of each payload that the caller may write. */
  headroomBytes: number;
  /** Whether control messages (the local address) are received. */
  control: boolean;
}

/**
 * Receives many datagrams with one system call into fixed slots of an arena.
 *
 * A slot keeps its datagram until it is received into again. Memory that no datagram reaches is never touched.
 */
export class ReceiveBatch {
  /** Number of slots. */
  readonly slots: number;
  readonly #arena: Arena;
  readonly #view: DataView;
  readonly #libc: Libc;
  readonly #messages: MessageArray;
  readonly #controlBytes: number;
  readonly #payloads: number;
  readonly #stride: number;
  /** Slots from here on have never been received into since their lengths were reset. */
  #cleanFrom: number;

  /** Takes all its memory from `arena`; throws RangeError when that is full. */
  constructor(arena: Arena, options: ReceiveBatchOptions) {
    const { slots, slotBytes, headroomBytes, control } = options;
    this.#libc = loadLibc();
    this.#arena = arena;
    this.#view = arena.view;
    this.slots = slots;
    this.#controlBytes = control ? CONTROL_BYTES : 0;
    this.#messages = new MessageArray(arena, slots);
    this.#stride = slotStride(headroomBytes + slotBytes);
    this.#payloads = arena.allocate(slots * this.#stride, CACHE_LINE_BYTES) + headroomBytes;
    for (let slot = 0; slot < slots; slot++) {
      const vector = this.#messages.vector(slot);
      arena.writePointer(vector + IOVEC.iov_base, this.payloadOffset(slot));
      this.#view.setInt32(vector + IOVEC.iov_len, slotBytes, true);
    }
    this.#cleanFrom = slots;
  }

  /**
   * Receives what is waiting on `fd`, without blocking, into slots `firstSlot` to `firstSlot + maxSlots - 1`.
   *
   * @returns how many slots were filled, or a negated errno: EAGAIN when nothing waits, or once an ICMP error that an
   *   earlier datagram met (ECONNREFUSED, EHOSTUNREACH …) on a socket that receives errors.
   */
  receive(fd: number, firstSlot: number, maxSlots: number): number {
    const end = firstSlot + maxSlots;
    assert(firstSlot >= 0 && maxSlots > 0 && end <= this.slots);
    this.#resetLengths(firstSlot, Math.min(end, this.#cleanFrom));
    const first = this.#messages.addresses[firstSlot]!;
    const count = this.#libc.syscall(SYS_recvmmsg, fd, first, maxSlots, MSG_DONTWAIT, 0);
    const dirtyEnd = firstSlot + Math.max(count, 0);
    this.#cleanFrom = end < this.#cleanFrom ? this.#cleanFrom : dirtyEnd;
    return count < 0 ? -this.#libc.errno() : count;
  }

  /** Arena offset of the datagram in `slot`; the headroom lies in front of it. */
  payloadOffset(slot: number): number {
    return this.#payloads + slot * this.#stride;
  }

  /** Bytes received into `slot`. */
  length(slot: number): number {
    return this.#view.getInt32(this.#messages.header(slot) + MMSGHDR.msg_len, true);
  }

  /** True when the datagram was longer than the slot and its end is lost. */
  isTruncated(slot: number): boolean {
    const flags = this.#view.getInt32(this.#messages.header(slot) + MSGHDR.msg_flags, true);
    return (flags & MSG_TRUNC) !== 0;
  }

  /** Reads who sent the datagram; false when that is no IP address. */
  readAddress(slot: number, into: TransportAddress): boolean {
    return readSocketAddress(this.#arena, this.#messages.name(slot), into);
  }

  /** Reads the local address it was sent to, with port 0; false when the socket does not tell. */
  readLocalAddress(slot: number, into: TransportAddress): boolean {
    const messages = this.#messages;
    const view = this.#view;
    const start = messages.control(slot);
    const end = start + view.getInt32(messages.header(slot) + MSGHDR.msg_controllen, true);
    const ipv4 = findControlMessage(view, start, end, IPPROTO_IP, IP_PKTINFO, IN_PKTINFO.size);
    if (ipv4 >= 0) {
      into.setIpv4(view.getInt32(ipv4 + IN_PKTINFO.ipi_spec_dst), 0);
      return true;
    }
    const ipv6 = findControlMessage(view, start, end, IPPROTO_IPV6, IPV6_PKTINFO, IN6_PKTINFO.size);
    if (ipv6 < 0) return false;
    readIpv6(view, ipv6 + IN6_PKTINFO.ipi6_addr, 0, into);
    return true;
  }

  /** The kernel overwrote these with what it used. */
  #resetLengths(firstSlot: number, end: number): void {
    const messages = this.#messages;
    const view = this.#view;
    for (let slot = firstSlot; slot < end; slot++) {
      const header = messages.header(slot);
      view.setInt32(header + MSGHDR.msg_namelen, SOCKET_ADDRESS_BYTES, true);
      view.setInt32(header + MSGHDR.msg_controllen, this.#controlBytes, true);
    }
  }
}

/** An odd number of cache lines, so that the beginnings of slots fall into different sets of the first-level cache. */
function slotStride(byteLength: number): number {
  const lines = ((byteLength + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES) | 1;
  return lines * CACHE_LINE_BYTES;
}
