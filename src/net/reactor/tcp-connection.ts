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
/** Reads from one connection before others have their turn. */
const READS_MAX = 4;

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
    if ((flags & (EPOLLIN | EPOLLERR | EPOLLHUP)) !== 0) this.#read();
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

  #read(): void {
    const { memory } = this.#reactor;
    for (let count = 0; count < READS_MAX; count++) {
      const length = receiveStream(this.#fd, memory.arena, memory.streamOffset, STREAM_READ_BYTES);
      if (length === -EAGAIN) return;
      if (length <= 0) {
        this.#reactor.connections.close(this);
        return;
      }
      this.#handleChunk(length);
      if (this.isGone || length < STREAM_READ_BYTES) return;
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
    this.noteMessage(now.monotonicMs);
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
    if (this.#backlog.isEmpty) this.#reactor.rewatch(this.#fd, EPOLLIN | EPOLLOUT);
    this.#backlog.push(arena.bytes.subarray(offset + sent, offset + length));
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
