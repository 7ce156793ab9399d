import { Arena } from '../../src/sys/arena.ts';
import { Poller } from '../../src/sys/epoll.ts';
import { EPOLLIN } from '../../src/sys/layout.ts';
import type { PacketTally } from './numbered-packets.ts';
import type { MessageHandler, Receiver } from './transport/transport.ts';

/** Counts the numbered packets of one run that arrive at some receivers. */
export class Sink {
  readonly #tally: PacketTally;
  readonly #receivers: readonly Receiver[];
  /** None for a single receiver: a socket that nobody waits for is cheaper to deliver to. */
  readonly #poller: Poller | undefined;
  readonly #take: MessageHandler;

  /** @param take - finds the payloads of messages and has `tally` count them. */
  constructor(receivers: readonly Receiver[], tally: PacketTally, take: MessageHandler) {
    this.#receivers = receivers;
    this.#tally = tally;
    this.#take = take;
    if (receivers.length === 1) return;
    this.#poller = new Poller(new Arena(8192), 256);
    for (const [index, { fd }] of receivers.entries()) this.#poller.add(fd, EPOLLIN, index);
  }

  /** Takes everything that waits; returns how many packets of this run it was. */
  drain(): number {
    const before = this.#tally.received;
    if (this.#poller === undefined) this.#receivers[0]!.receive(this.#take);
    else this.#drainPolled(this.#poller);
    return this.#tally.received - before;
  }

  /** Stops watching; the sockets stay open. */
  close(): void {
    this.#poller?.close();
  }

  #drainPolled(poller: Poller): void {
    for (let count = poller.wait(0); count > 0; count = poller.wait(0)) {
      for (let event = 0; event < count; event++) {
        this.#receivers[poller.eventTag(event)]!.receive(this.#take);
      }
    }
  }
}
