import { constants } from 'node:os';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from '../../sys/layout.ts';
import { receiveStream, sendStream } from '../../sys/stream.ts';
import type { Client } from '../../turn/allocation.ts';
import { StreamFramer } from '../../turn/stream-framer.ts';
import { StreamConnection } from '../shared/stream-connection.ts';
import { WriteBacklog } from '../shared/write-backlog.ts';
import { STREAM_READ_BYTES } from './packet-memory.ts';
import type { PollHandler, Reactor } from './reactor.ts';

const { EAGAIN } = constants.errno;

/** A client's TCP connection: cuts the stream into messages and writes what the core answers. */
export class TcpConnection extends StreamConnection implements PollHandler {
  readonly #reactor: Reactor;
  readonly #fd: number;
  readonly #framer = new StreamFramer();
  readonly #backlog = new WriteBacklog();

  constructor(reactor: Reactor, client: Client) {
    super(client, reactor.now.monotonicMs);
    this.#reactor = reactor;
    this.#fd = client.handle;
  }

  onReady(flags: number): void {
    if ((flags & EPOLLOUT) !== 0) this.#writeBacklog();
    const hasEnded = (flags & (EPOLLERR | EPOLLHUP)) !== 0;
    if (!hasEnded && (flags & EPOLLIN) === 0) return;
    if (hasEnded || !this.#isHeldBack) this.#read();
    // The allocation ended meanwhile; what waits to be read would be reported for ever.
    else this.#reactor.rewatch(this.#fd, EPOLLOUT);
  }

  /** Sends relayed data of the arena; dropped when the client is too slow for it. */
  sendRelayed(offset: number, length: number): void {
    if (!this.isTooSlowFor(length, this.#backlog.byteLength)) this.#write(offset, length);
  }

  /** Sends a response or indication; a client that leaves too many of them unread is disconnected. */
  sendControl(bytes: Uint8Array): void {
    if (this.isUnresponsive(this.#backlog.byteLength)) {
      this.#reactor.connections.closeLater(this);
      return;
    }
    const { arena, stagingOffset } = this.#reactor.memory;
    // The staging place may hold a payload that is still to be relayed.
    this.#reactor.upstreamQueue.flush();
    arena.bytes.set(bytes, stagingOffset);
    this.#write(stagingOffset, bytes.length);
  }

  /** A client that may cost nothing yet is not heard before it has read what it was told. */
  get #isHeldBack(): boolean {
    return this.isStranger && !this.#backlog.isEmpty;
  }

  /** One read for each turn in which the poller reports the connection. */
  #read(): void {
    const { memory, streamBudget } = this.#reactor;
    const { isStranger } = this;
    const granted = streamBudget.grant(isStranger);
    if (granted === 0) return;
    const length = receiveStream(this.#fd, memory.arena, memory.streamOffset, granted);
    if (length > 0) {
      streamBudget.spend(length, isStranger);
      this.#handleChunk(length);
    } else if (length !== -EAGAIN) {
      this.#reactor.connections.close(this);
    }
  }

  #handleChunk(length: number): void {
    const reactor = this.#reactor;
    const { arena, streamOffset } = reactor.memory;
    const framer = this.#framer;
    framer.frameBytesMax = this.frameBytesMax;
    framer.push(arena.bytes, streamOffset, length);
    while (!this.isGone && framer.next()) this.#handleFrame();
    reactor.upstreamQueue.flush();
    if (framer.isBroken && !this.isGone) reactor.connections.close(this);
  }

  #handleFrame(): void {
    const reactor = this.#reactor;
    const { server, memory, now } = reactor;
    const { bytes, offset, length } = this.#framer;
    const under = server.handleClientMessage(this.client, bytes, offset, length, now);
    this.noteMessage();
    if (under === undefined) {
      reactor.drainCommands();
      return;
    }
    const { payloadOffset, payloadLength } = server.relayed;
    if (bytes === memory.arena.bytes) {
      reactor.relayUp(payloadOffset);
    } else {
      const payload = bytes.subarray(payloadOffset, payloadOffset + payloadLength);
      memory.arena.bytes.set(payload, memory.stagingOffset);
      reactor.relayUp(memory.stagingOffset);
    }
  }

  #write(offset: number, length: number): void {
    const { arena } = this.#reactor.memory;
    const sent = this.#backlog.isEmpty
      ? Math.max(0, sendStream(this.#fd, arena, offset, length))
      : 0;
    if (sent === length) return;
    const wasEmpty = this.#backlog.isEmpty;
    this.#backlog.push(arena.bytes.subarray(offset + sent, offset + length));
    if (wasEmpty) this.#reactor.rewatch(this.#fd, this.#isHeldBack ? EPOLLOUT : EPOLLIN | EPOLLOUT);
  }

  #writeBacklog(): void {
    const { arena, stagingOffset } = this.#reactor.memory;
    while (!this.#backlog.isEmpty) {
      const length = this.#backlog.peek(arena.bytes, stagingOffset, STREAM_READ_BYTES);
      const sent = sendStream(this.#fd, arena, stagingOffset, length);
      if (sent > 0) this.#backlog.discard(sent);
      if (sent < length) return;
    }
    this.#reactor.rewatch(this.#fd, EPOLLIN);
  }
}
