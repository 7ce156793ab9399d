import { Arena } from '../../src/sys/arena.ts';
import { Poller } from '../../src/sys/epoll.ts';
import { EPOLLIN } from '../../src/sys/layout.ts';
import { ReceiveBatch } from '../../src/sys/receive-batch.ts';

const SLOTS = 64;
const SLOT_BYTES = 2048;

/** Counts the numbered packets of one run that arrive at some sockets. */
export class Sink {
  received = 0;
  /** Packets that arrived behind a later one of the same client. */
  reordered = 0;
  readonly #arena = new Arena(1024 * 1024);
  readonly #poller = new Poller(this.#arena, 256);
  readonly #batch = new ReceiveBatch(this.#arena, {
    slots: SLOTS,
    slotBytes: SLOT_BYTES,
    headroomBytes: 0,
    control: false,
  });
  readonly #headerBytes: number;
  readonly #run: number;
  readonly #latest: Int32Array;

  /**
   * @param headerBytes - bytes in front of the application data.
   * @param run - number of the run; packets of others do not count.
   */
  constructor(fds: readonly number[], clients: number, headerBytes: number, run: number) {
    for (const fd of fds) this.#poller.add(fd, EPOLLIN, fd);
    this.#headerBytes = headerBytes;
    this.#run = run;
    this.#latest = new Int32Array(clients).fill(-1);
  }

  /** Takes everything that waits; returns how many packets of this run it was. */
  drain(): number {
    const before = this.received;
    for (let count = this.#poller.wait(0); count > 0; count = this.#poller.wait(0)) {
      for (let event = 0; event < count; event++) this.#drainSocket(this.#poller.eventTag(event));
    }
    return this.received - before;
  }

  /** Stops watching; the sockets stay open. */
  close(): void {
    this.#poller.close();
  }

  #drainSocket(fd: number): void {
    for (;;) {
      const count = this.#batch.receive(fd, 0, SLOTS);
      for (let slot = 0; slot < count; slot++) this.#count(slot);
      if (count < SLOTS) return;
    }
  }

  #count(slot: number): void {
    const { view } = this.#arena;
    const at = this.#batch.payloadOffset(slot) + this.#headerBytes;
    if (view.getInt32(at) !== this.#run) return;
    const client = view.getInt32(at + 4);
    const sequence = view.getInt32(at + 8);
    this.received++;
    if (sequence < this.#latest[client]!) this.reordered++;
    else this.#latest[client] = sequence;
  }
}
