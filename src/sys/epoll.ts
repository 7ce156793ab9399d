import { constants } from 'node:os';
import type { Arena } from './arena.ts';
import {
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLL_EVENT,
} from './layout.ts';
import { type Libc, loadLibc } from './libc.ts';
import { scratch } from './scratch.ts';
import { SystemError } from './system-error.ts';

const { EAGAIN, EINTR } = constants.errno;
const EVENT_FD_BYTES = 8;

/** An epoll instance whose events are read as numbers straight from the arena. */
export class Poller {
  /** The epoll file descriptor. */
  readonly fd: number;
  readonly #arena: Arena;
  readonly #libc: Libc;
  readonly #events: number;
  readonly #eventsAddress: bigint;
  readonly #maxEvents: number;
  readonly #change: number;

  /**
   * @param maxEvents - most events of one `wait`.
   * @throws SystemError when the process has no file descriptor left.
   */
  constructor(arena: Arena, maxEvents: number) {
    this.#libc = loadLibc();
    this.#arena = arena;
    this.#maxEvents = maxEvents;
    this.#events = arena.allocate(maxEvents * EPOLL_EVENT.size);
    this.#eventsAddress = BigInt(arena.address + this.#events);
    this.#change = arena.allocate(EPOLL_EVENT.size);
    this.fd = this.#libc.epoll_create1(EPOLL_CLOEXEC);
    if (this.fd < 0) throw new SystemError('epoll_create1', this.#libc.errno());
  }

  /** Watches `fd` for `events` (EPOLLIN …); its events carry `tag`, a 32-bit integer. Throws SystemError. */
  add(fd: number, events: number, tag: number): void {
    this.#control(EPOLL_CTL_ADD, fd, events, tag);
  }

  /** Replaces events and tag of a watched `fd`; throws SystemError. */
  modify(fd: number, events: number, tag: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events, tag);
  }

  /** Stops watching `fd`, before it is closed; throws SystemError. */
  remove(fd: number): void {
    this.#control(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /**
   * Blocks this thread until an event or the timeout.
   *
   * @param timeoutMs - 0 only looks, -1 waits for ever.
   * @returns how many events `eventTag` and `eventFlags` now describe; 0 also after a signal.
   * @throws SystemError when the poller is closed.
   */
  wait(timeoutMs: number): number {
    const count = this.#libc.epoll_wait(this.fd, this.#eventsAddress, this.#maxEvents, timeoutMs);
    if (count >= 0) return count;
    const errno = this.#libc.errno();
    if (errno === EINTR) return 0;
    throw new SystemError('epoll_wait', errno);
  }

  /** The tag of event `index`, signed. */
  eventTag(index: number): number {
    return this.#arena.view.getInt32(
      this.#events + index * EPOLL_EVENT.size + EPOLL_EVENT.data,
      true,
    );
  }

  /** The flags of event `index` (EPOLLIN, EPOLLERR …). */
  eventFlags(index: number): number {
    return this.#arena.view.getInt32(
      this.#events + index * EPOLL_EVENT.size + EPOLL_EVENT.events,
      true,
    );
  }

  /** Closes the epoll file descriptor; the watched ones stay open. */
  close(): void {
    this.#libc.close(this.fd);
  }

  #control(operation: number, fd: number, events: number, tag: number): void {
    const { view, address } = this.#arena;
    const change = this.#change;
    view.setInt32(change + EPOLL_EVENT.events, events, true);
    view.setInt32(change + EPOLL_EVENT.data, tag, true);
    if (this.#libc.epoll_ctl(this.fd, operation, fd, address + change) < 0) {
      throw new SystemError('epoll_ctl', this.#libc.errno(), `fd ${fd}`);
    }
  }
}

/** Opens a nonblocking counter that any thread can signal and a `Poller` can watch; throws SystemError. */
export function createEventFd(): number {
  const libc = loadLibc();
  const fd = libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw new SystemError('eventfd', libc.errno());
  return fd;
}

/** Makes `fd` readable, from any thread; throws SystemError. */
export function signalEventFd(fd: number): void {
  const libc = loadLibc();
  const { address, view } = scratch();
  view.setInt32(0, 1, true);
  view.setInt32(4, 0, true);
  ignoreAgain('write', libc.write(fd, address, EVENT_FD_BYTES), libc);
}

/** Makes `fd` unreadable again; throws SystemError. */
export function drainEventFd(fd: number): void {
  const libc = loadLibc();
  ignoreAgain('read', libc.read(fd, scratch().address, EVENT_FD_BYTES), libc);
}

/** EAGAIN says that the counter already is what the call would make it: signalled, or drained. */
function ignoreAgain(syscall: string, result: number, libc: Libc): void {
  if (result >= 0) return;
  const errno = libc.errno();
  if (errno !== EAGAIN) throw new SystemError(syscall, errno, 'eventfd');
}
