import { constants } from 'node:os';
import { IPV6, TransportAddress } from '../stun/transport-address.ts';
import type { Arena } from './arena.ts';
import { controlSpace, writeControlHeader } from './control-message.ts';
import {
  IN6_PKTINFO,
  IN_PKTINFO,
  IOVEC,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_PKTINFO,
  IP_PKTINFO,
  MSGHDR,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SYS_sendmmsg,
  UDP_SEGMENT,
} from './layout.ts';
import { type Libc, loadLibc } from './libc.ts';
import { MessageArray } from './message-array.ts';
import { writeIpv6, writeSocketAddress } from './socket-address.ts';

const { EAGAIN, EIO, ENOBUFS, ENOPROTOOPT } = constants.errno;

/** Bytes of a run of equal datagrams; below what fits into one IP packet. */
const RUN_BYTES_MAX = 65_000;
/** Older kernels take 64, the oldest one less when the segments are full. */
const RUN_DATAGRAMS_MAX = 63;
/** A datagram that the kernel would have to fragment cannot be a segment; MTU of Ethernet less IPv6 and UDP headers. */
const SEGMENT_BYTES_MAX = 1452;
const SEGMENT_SIZE_BYTES = 2;
const FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL;

/**
 * Collects datagrams whose payloads lie in an arena and sends them through one socket with one system call.
 *
 * Neighbours of one size for one destination, the last of which may be shorter, make a run: the kernel takes it down
 * its stack as one packet and cuts it at the end (UDP_SEGMENT of udp(7)). What arrives is the same.
 */
export class SendBatch {
  /** Datagrams added since the last flush. */
  count = 0;
  readonly #arena: Arena;
  readonly #view: DataView;
  readonly #byteLength: number;
  readonly #libc: Libc;
  readonly #messages: MessageArray;
  readonly #run: Run = {
    header: 0,
    segmentBytes: 0,
    bytesLeft: 0,
    datagrams: 0,
    isConnected: false,
    destination: new TransportAddress(),
    source: undefined,
  };
  /** False once the network device has refused a run. */
  #isSegmenting: boolean;
  #messageCount = 0;
  /** Where the first datagram lies. */
  #firstOffset = 0;
  readonly #firstName: bigint;

  /**
   * @param capacity - datagrams held, at most 1024; throws RangeError when `arena` is full.
   * @param segments - false sends every datagram by itself.
   */
  constructor(arena: Arena, capacity: number, segments = true) {
    this.#libc = loadLibc();
    this.#arena = arena;
    this.#view = arena.view;
    this.#byteLength = arena.bytes.length;
    this.#messages = new MessageArray(arena, capacity);
    this.#firstName = BigInt(arena.address + this.#messages.name(0));
    this.#isSegmenting = segments;
  }

  /** True when the batch must be flushed before the next `add`. */
  get isFull(): boolean {
    return this.count === this.#messages.capacity;
  }

  /**
   * Adds a datagram.
   *
   * @param payloadOffset - where its bytes lie in the arena; they must stay until the flush.
   * @param destination - copied; undefined sends to the peer that the socket is connected to.
   * @param source - IP address it leaves from, borrowed until the flush; the kernel's choice without one. The port is
   *   that of the socket.
   * @throws RangeError when the batch is full or the bytes are not in the arena.
   */
  add(
    payloadOffset: number,
    length: number,
    destination: TransportAddress | undefined,
    source?: TransportAddress,
  ): void {
    const index = this.count;
    if (index === this.#messages.capacity) throw new RangeError('the batch is full');
    if (payloadOffset < 0 || length < 0 || payloadOffset + length > this.#byteLength) {
      throw new RangeError(`no such bytes in the arena: ${length} at ${payloadOffset}`);
    }
    const vector = this.#messages.vector(index);
    this.#arena.writePointer(vector + IOVEC.iov_base, payloadOffset);
    this.#view.setInt32(vector + IOVEC.iov_len, length, true);
    if (index === 0) this.#firstOffset = payloadOffset;
    this.count = index + 1;
    if (this.#continuesRun(length, destination, source)) this.#lengthenRun(length);
    else this.#beginRun(vector, length, destination, source);
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
    const isSingle = this.count === 1 && this.#run.source === undefined;
    const count = this.#messageCount;
    this.count = this.#messageCount = this.#run.bytesLeft = 0;
    let failed = 0;
    let retried = -1;
    let next = 0;
    while (next < count) {
      const sent = isSingle ? this.#sendSingle(fd) : this.#send(fd, next, count - next);
      if (sent > 0) {
        next += sent;
        continue;
      }
      if (isFullBuffer(sent)) return failed + this.#datagramsOf(next, count);
      // The first failure may only report the ICMP error that an earlier datagram met.
      if (retried !== next) {
        retried = next;
        continue;
      }
      failed += this.#datagramsOf(next, next + 1) > 1 ? this.#sendRun(fd, next, sent) : 1;
      next += 1;
    }
    return failed;
  }

  /** The number of messages sent, or a negated errno. */
  #send(fd: number, message: number, count: number): number {
    const address = this.#messages.addresses[message]!;
    const sent = this.#libc.syscall(SYS_sendmmsg, fd, address, count, FLAGS, 0);
    return sent < 0 ? -this.#libc.errno() : sent;
  }

  /** Sends the only datagram, for which the kernel has less to read; 1, or a negated errno. */
  #sendSingle(fd: number): number {
    const { segmentBytes, header } = this.#run;
    const buffer = this.#arena.addressOf(this.#firstOffset);
    const nameBytes = this.#view.getInt32(header + MSGHDR.msg_namelen, true);
    const name = nameBytes === 0 ? 0 : this.#firstName;
    const sent = this.#libc.sendto(fd, buffer, segmentBytes, FLAGS, name, nameBytes);
    return sent < 0 ? -this.#libc.errno() : 1;
  }

  /** Sends the datagrams of a run that was refused one by one; returns how many were not sent. */
  #sendRun(fd: number, message: number, refusal: number): number {
    // The device cannot do it. Other refusals, such as a path with a small MTU, concern this run alone.
    if (refusal === -EIO || refusal === -ENOPROTOOPT) this.#isSegmenting = false;
    const view = this.#view;
    const header = this.#messages.header(message);
    const datagrams = view.getInt32(header + MSGHDR.msg_iovlen, true);
    const control = view.getInt32(header + MSGHDR.msg_controllen, true);
    view.setInt32(header + MSGHDR.msg_controllen, control - controlSpace(SEGMENT_SIZE_BYTES), true);
    view.setInt32(header + MSGHDR.msg_iovlen, 1, true);
    let failed = 0;
    for (let datagram = 0; datagram < datagrams; datagram++) {
      const sent = this.#send(fd, message, 1);
      if (isFullBuffer(sent)) return failed + datagrams - datagram;
      if (sent < 1) failed += 1;
      advancePointer(view, header + MSGHDR.msg_iov, IOVEC.size);
    }
    return failed;
  }

  #datagramsOf(firstMessage: number, end: number): number {
    let datagrams = 0;
    for (let message = firstMessage; message < end; message++) {
      datagrams += this.#view.getInt32(this.#messages.header(message) + MSGHDR.msg_iovlen, true);
    }
    return datagrams;
  }

  #continuesRun(
    length: number,
    destination: TransportAddress | undefined,
    source: TransportAddress | undefined,
  ): boolean {
    const run = this.#run;
    return (
      length <= run.bytesLeft &&
      length <= run.segmentBytes &&
      length > 0 &&
      source === run.source &&
      (destination === undefined
        ? run.isConnected
        : !run.isConnected && destination.equals(run.destination))
    );
  }

  #lengthenRun(length: number): void {
    const run = this.#run;
    const view = this.#view;
    const { header } = run;
    run.datagrams += 1;
    if (run.datagrams === 2) this.#writeSegmentSize(header, run.segmentBytes);
    view.setInt32(header + MSGHDR.msg_iovlen, run.datagrams, true);
    const isOver = length < run.segmentBytes || run.datagrams === RUN_DATAGRAMS_MAX;
    run.bytesLeft = isOver ? 0 : run.bytesLeft - length;
  }

  #beginRun(
    vector: number,
    length: number,
    destination: TransportAddress | undefined,
    source: TransportAddress | undefined,
  ): void {
    const arena = this.#arena;
    const messages = this.#messages;
    const view = this.#view;
    const run = this.#run;
    const message = this.#messageCount++;
    const header = messages.header(message);
    const nameLength =
      destination === undefined
        ? 0
        : writeSocketAddress(arena, messages.name(message), destination);
    const controlBytes =
      source === undefined ? 0 : writePacketInfo(view, messages.control(message), source);
    arena.writePointer(header + MSGHDR.msg_iov, vector);
    view.setInt32(header + MSGHDR.msg_namelen, nameLength, true);
    view.setInt32(header + MSGHDR.msg_iovlen, 1, true);
    view.setInt32(header + MSGHDR.msg_controllen, controlBytes, true);
    run.header = header;
    run.segmentBytes = length;
    run.datagrams = 1;
    run.source = source;
    run.isConnected = destination === undefined;
    if (destination !== undefined) run.destination.copyFrom(destination);
    const canGrow = this.#isSegmenting && length <= SEGMENT_BYTES_MAX;
    run.bytesLeft = canGrow ? RUN_BYTES_MAX - length : 0;
  }

  #writeSegmentSize(header: number, segmentBytes: number): void {
    const view = this.#view;
    const before = view.getInt32(header + MSGHDR.msg_controllen, true);
    const control = this.#messages.control(this.#messageCount - 1) + before;
    const data = writeControlHeader(view, control, IPPROTO_UDP, UDP_SEGMENT, SEGMENT_SIZE_BYTES);
    view.setUint16(data, segmentBytes, true);
    const after = before + controlSpace(SEGMENT_SIZE_BYTES);
    view.setInt32(header + MSGHDR.msg_controllen, after, true);
  }
}

/** The datagrams of the latest message. */
interface Run {
  /** Its `struct mmsghdr`. */
  header: number;
  segmentBytes: number;
  /** How much may still be added; 0 when it takes nothing more. */
  bytesLeft: number;
  datagrams: number;
  /** Whether the socket knows the destination. */
  isConnected: boolean;
  readonly destination: TransportAddress;
  source: TransportAddress | undefined;
}

function isFullBuffer(result: number): boolean {
  return result === -EAGAIN || result === -ENOBUFS;
}

/** Moves a native pointer within the arena, which shares the high half of all its addresses. */
function advancePointer(view: DataView, at: number, byteLength: number): void {
  view.setInt32(at, view.getInt32(at, true) + byteLength, true);
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
