import { constants } from 'node:os';
import type { Arena } from '../../../src/sys/arena.ts';
import { findControlMessage } from '../../../src/sys/control-message.ts';
import {
  IOVEC,
  MMSGHDR,
  MSGHDR,
  MSG_DONTWAIT,
  SOL_SOCKET,
  SYS_recvmmsg,
  TIMESPEC,
} from '../../../src/sys/layout.ts';
import { loadLibc } from '../../../src/sys/libc.ts';
import { CONTROL_BYTES, MessageArray } from '../../../src/sys/message-array.ts';
import { setOption } from '../../../src/sys/socket.ts';
import { SystemError } from '../../../src/sys/system-error.ts';
import { readTimeStamp } from '../load-clock.ts';

const { EAGAIN, ECONNREFUSED } = constants.errno;
/** Of socket(7); the option and its control message have the same number. */
const SO_TIMESTAMPNS = 35;

/** Makes the kernel note for every datagram of a socket when it arrived; throws SystemError. */
export function stampArrivals(fd: number): void {
  setOption(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
}

/** Receives many datagrams with one system call, and when each of them arrived. */
export class StampedBatch {
  readonly #arena: Arena;
  readonly #messages: MessageArray;
  readonly #payloads: number;
  readonly #slotBytes: number;
  /** Slots whose lengths the kernel has overwritten with what it used. */
  #used: number;

  /** Takes all its memory from `arena`; throws RangeError when that is full. */
  constructor(arena: Arena, slots: number, slotBytes: number) {
    this.#arena = arena;
    this.#messages = new MessageArray(arena, slots);
    this.#slotBytes = slotBytes;
    this.#payloads = arena.allocate(slots * slotBytes, 64);
    for (let slot = 0; slot < slots; slot++) {
      const vector = this.#messages.vector(slot);
      arena.writePointer(vector + IOVEC.iov_base, this.payloadOffset(slot));
      arena.view.setInt32(vector + IOVEC.iov_len, slotBytes, true);
    }
    this.#used = slots;
  }

  /** Number of slots. */
  get slots(): number {
    return this.#messages.capacity;
  }

  /** Fills slots from the first one on, without blocking; returns how many. Throws SystemError. */
  receive(fd: number): number {
    this.#resetLengths();
    const first = this.#messages.addresses[0]!;
    const count = loadLibc().syscall(SYS_recvmmsg, fd, first, this.slots, MSG_DONTWAIT, 0);
    this.#used = Math.max(count, 0);
    if (count >= 0) return count;
    const errno = loadLibc().errno();
    // A server that ended leaves its clients an ICMP error.
    if (errno === EAGAIN || errno === ECONNREFUSED) return 0;
    throw new SystemError('recvmmsg', errno);
  }

  /** Arena offset of the datagram in `slot`. */
  payloadOffset(slot: number): number {
    return this.#payloads + slot * this.#slotBytes;
  }

  /** Bytes received into `slot`. */
  length(slot: number): number {
    return this.#arena.view.getInt32(this.#messages.header(slot) + MMSGHDR.msg_len, true);
  }

  /** When the datagram arrived, a `timeStamp`; 0 when the kernel did not note it. */
  stamp(slot: number): number {
    const { view } = this.#arena;
    const start = this.#messages.control(slot);
    const end = start + view.getInt32(this.#messages.header(slot) + MSGHDR.msg_controllen, true);
    const at = findControlMessage(view, start, end, SOL_SOCKET, SO_TIMESTAMPNS, TIMESPEC.size);
    return at < 0 ? 0 : readTimeStamp(view, at);
  }

  #resetLengths(): void {
    const { view } = this.#arena;
    for (let slot = 0; slot < this.#used; slot++) {
      view.setInt32(this.#messages.header(slot) + MSGHDR.msg_controllen, CONTROL_BYTES, true);
    }
  }
}
