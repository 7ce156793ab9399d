import { EPOLLOUT } from '../../sys/layout.ts';
import { sendStream } from '../../sys/stream.ts';
import type { Client } from '../../turn/allocation.ts';
import { EDGES_IN } from './edges.ts';
import { STREAM_READ_BYTES } from './packet-memory.ts';
import type { Reactor } from './reactor.ts';
import { WriteBacklog } from './write-backlog.ts';

/** What leaves through the socket of a stream client: at once, or when the client has read what came before. */
export class StreamOutput {
  readonly #reactor: Reactor;
  readonly #client: Client;
  readonly #backlog = new WriteBacklog();

  constructor(reactor: Reactor, client: Client) {
    this.#reactor = reactor;
    this.#client = client;
  }

  /** Bytes that the client has not taken yet. */
  get waiting(): number {
    return this.#backlog.byteLength;
  }

  /** A client that may cost nothing yet is not heard before it has read what it was told. */
  get isHoldingBackReads(): boolean {
    return this.#client.allocation === undefined && !this.#backlog.isEmpty;
  }

  /** Hands bytes of the arena to the socket; what it does not take waits as a copy. */
  send(offset: number, length: number): void {
    const { arena } = this.#reactor.memory;
    const wasEmpty = this.#backlog.isEmpty;
    const sent = wasEmpty ? Math.max(0, sendStream(this.#fd, arena, offset, length)) : 0;
    if (sent === length) return;
    this.#backlog.push(arena.bytes.subarray(offset + sent, offset + length));
    if (wasEmpty) this.rewatch();
  }

  /** Goes on with what waits, now that the socket takes more. */
  resume(): void {
    const { arena, stagingOffset } = this.#reactor.memory;
    while (!this.#backlog.isEmpty) {
      const length = this.#backlog.peek(arena.bytes, stagingOffset, STREAM_READ_BYTES);
      const sent = sendStream(this.#fd, arena, stagingOffset, length);
      if (sent > 0) this.#backlog.discard(sent);
      if (sent < length) return;
    }
    this.rewatch();
  }

  /** Watches the socket for what it is needed for now. */
  rewatch(): void {
    const wantsRoom = this.#backlog.isEmpty ? 0 : EPOLLOUT;
    this.#reactor.rewatch(this.#fd, this.isHoldingBackReads ? EPOLLOUT : EDGES_IN | wantsRoom);
  }

  get #fd(): number {
    return this.#client.handle;
  }
}
