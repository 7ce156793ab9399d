import { Arena } from '../../src/sys/arena.ts';
import { Poller } from '../../src/sys/epoll.ts';
import { EPOLLIN } from '../../src/sys/layout.ts';
import type { PacketTally } from './numbered-packets.ts';
import type { MessageHandler, Receiver } from './transport/transport.ts';

/** Counts the numbered packets of one run that arrive at some receivers. */
export class Sink {
  readonly #tally: PacketTally;
  readonly #receivers: readonly Receiver[];
  readonly #poller = new Poller(new Arena(8192), 256);
  readonly #take: MessageHandler;

  /** @param headerBytes - bytes in front of the application data. */
  constructor(receivers: readonly Receiver[], headerBytes: number, tally: PacketTally) {
    this.#receivers = receivers;
    this.#tally = tally;
    this.#take = (bytes, offset) => tally.count(bytes, offset + headerBytes);
    for (const [index, { fd }] of receivers.entries()) this.#poller.add(fd, EPOLLIN, index);
  }

  /** Takes everything that waits; returns how many packets of this run it was. */
  drain(): number {
    const before = this.#tally.received;
    for (let count = this.#poller.wait(0); count > 0; count = this.#poller.wait(0)) {
      for (let event = 0; event < count; event++) {
        this.#receivers[this.#poller.eventTag(event)]!.receive(this.#take);
      }
    }
    return this.#tally.received - before;
  }

  /** Stops watching; the sockets stay open. */
  close(): void {
    this.#poller.close();
  }
}
