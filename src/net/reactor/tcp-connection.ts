import { constants } from 'node:os';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from '../../sys/layout.ts';
import { receiveStream, sendStream } from '../../sys/stream.ts';
import type { Client } from '../../turn/allocation.ts';
import { StreamFramer } from '../../turn/stream-framer.ts';
import { StreamConnection } from '../shared/stream-connection.ts';
import { StreamOpening } from '../shared/stream-opening.ts';
import { WriteBacklog } from '../shared/write-backlog.ts';
import { STREAM_READ_BYTES, UPSTREAM_SLOTS } from './packet-memory.ts';
import type { PollHandler, Reactor } from './reactor.ts';
import { SecureChannel } from './secure/secure-channel.ts';
import { verifiedIdentity } from './secure/verified-identity.ts';
import type { TcpListener } from './tcp-listener.ts';

const { EAGAIN } = constants.errno;
/** Plaintext of one record (RFC 8446 §5.1). */
const RECORD_BYTES_MAX = 16 * 1024;
/** Ciphertext is handed to the socket at the end of the turn, or when there is so much of it. */
const UNFLUSHED_BYTES_MAX = 64 * 1024;

/** A client's TCP connection, plain or with TLS: cuts the stream into messages and writes what the core answers. */
export class TcpConnection extends StreamConnection implements PollHandler {
  readonly listener: TcpListener;
  readonly #reactor: Reactor;
  readonly #fd: number;
  readonly #framer = new StreamFramer();
  readonly #backlog = new WriteBacklog();
  #opening: StreamOpening | undefined;
  #channel: SecureChannel | undefined;
  #isInHandshake = false;
  /** Plaintext that is encrypted and not handed to the socket yet, bytes. */
  #unflushed = 0;
  #isFlushQueued = false;

  constructor(reactor: Reactor, listener: TcpListener, client: Client) {
    super(client, reactor.now.monotonicMs);
    this.#reactor = reactor;
    this.listener = listener;
    this.#fd = client.handle;
    this.#opening = new StreamOpening(listener.rules, client.address);
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
    if (!this.isTooSlowFor(length, this.#waiting)) this.#write(offset, length);
  }

  /** Sends a response or indication; a client that leaves too many of them unread is disconnected. */
  sendControl(bytes: Uint8Array): void {
    if (this.isUnresponsive(this.#waiting)) {
      this.#reactor.connections.closeLater(this);
      return;
    }
    const { arena, stagingOffset } = this.#reactor.memory;
    // The staging place may hold a payload that is still to be relayed.
    this.#reactor.upstreamQueue.flush();
    arena.bytes.set(bytes, stagingOffset);
    this.#write(stagingOffset, bytes.length);
  }

  /** Hands ciphertext to the socket. */
  flush(): void {
    this.#isFlushQueued = false;
    this.#unflushed = 0;
    if (this.#channel === undefined) return;
    const { arena, ciphertextOffset } = this.#reactor.memory;
    const address = arena.addressOf(ciphertextOffset);
    for (;;) {
      const length = this.#channel.pull(address, STREAM_READ_BYTES);
      if (length === 0) return;
      this.#send(ciphertextOffset, length);
    }
  }

  /** Says goodbye, as far as the client takes it at once, and gives back what is not memory; once, at the end. */
  end(): void {
    if (this.#channel === undefined) return;
    this.#leaveHandshake();
    this.#channel.close();
    this.flush();
    this.#channel.free();
    this.#channel = undefined;
  }

  /** Bytes that the client has not taken. */
  get #waiting(): number {
    return this.#backlog.byteLength + this.#unflushed;
  }

  /** A client that may cost nothing yet is not heard before it has read what it was told. */
  get #isHeldBack(): boolean {
    return this.isStranger && !this.#backlog.isEmpty;
  }

  /** A handshake begins or goes on with the next bytes. */
  get #isBeforeOpen(): boolean {
    return this.#isInHandshake || (this.#opening !== undefined && this.listener.rules.isSecure);
  }

  /** One read for each turn in which the poller reports the connection. */
  #read(): void {
    const { memory, streamBudget } = this.#reactor;
    const { isStranger } = this;
    const granted = streamBudget.grant(isStranger);
    if (granted === 0) return;
    if (this.#isBeforeOpen && !streamBudget.grantHandshakeStep()) return;
    const length = receiveStream(this.#fd, memory.arena, memory.streamOffset, granted);
    if (length > 0) {
      streamBudget.spend(length, isStranger);
      this.#handleChunk(memory.streamOffset, length);
    } else if (length !== -EAGAIN) {
      this.#close();
    }
  }

  #handleChunk(offset: number, length: number): void {
    const skipped = this.#opening === undefined ? 0 : this.#open(this.#opening, offset, length);
    if (this.isGone || this.#opening !== undefined || skipped === length) return;
    if (this.#channel === undefined) this.#handleMessages(offset + skipped, length - skipped);
    else this.#decrypt(this.#channel, offset + skipped, length - skipped);
    this.#reactor.upstreamQueue.flush();
    if (this.#framer.isBroken && !this.isGone) this.#close();
  }

  /** Returns how many bytes of the chunk belong to a PROXY header. */
  #open(opening: StreamOpening, offset: number, length: number): number {
    const { connections, memory, now } = this.#reactor;
    const outcome = opening.push(memory.arena.bytes, offset, length);
    const client = opening.takeClient();
    if (client !== undefined && !connections.attribute(this, client)) return length;
    if (outcome === 'more') return length;
    if (outcome !== 'plain' && outcome !== 'tls') {
      connections.refuse(this, outcome);
      return length;
    }
    this.#opening = undefined;
    if (outcome === 'tls') {
      this.#beginHandshake();
    } else {
      this.client.endpoint = this.listener.endpoints.plainAt(this.client.endpoint);
      this.noteOpen(now.monotonicMs);
    }
    return opening.consumed;
  }

  #beginHandshake(): void {
    const { connections, handshakeGate, now } = this.#reactor;
    if (!handshakeGate.enter(this.client.address, now.monotonicMs)) {
      connections.refuse(this, 'tooManyHandshakes');
      return;
    }
    this.#isInHandshake = true;
    this.#channel = new SecureChannel(this.listener.secureContext);
    this.noteHandshake(now.monotonicMs);
  }

  #leaveHandshake(): void {
    if (!this.#isInHandshake) return;
    this.#isInHandshake = false;
    this.#reactor.handshakeGate.leave();
  }

  #decrypt(channel: SecureChannel, offset: number, length: number): void {
    const { memory, upstreamQueue } = this.#reactor;
    channel.push(memory.arena.addressOf(offset), length);
    if (this.#isInHandshake) this.#goOnWithHandshake(channel);
    for (let slot = 0; channel.isOpen && !this.isGone; slot++) {
      if (slot === UPSTREAM_SLOTS) {
        upstreamQueue.flush();
        slot = 0;
      }
      const place = memory.upstream.payloadOffset(slot);
      const plain = channel.read(memory.arena.addressOf(place), RECORD_BYTES_MAX);
      if (plain === 0) break;
      this.#handleMessages(place, plain);
    }
    if (this.isGone) return;
    // An answer to a key update, or an alert.
    if (channel.pending > 0) this.#flushLater();
    if (!channel.isOver) return;
    if (channel.state === 'failed') this.#reportFailure(channel.failure);
    this.#close();
  }

  #goOnWithHandshake(channel: SecureChannel): void {
    channel.handshake();
    this.#flushLater();
    if (!channel.isOpen) return;
    this.#leaveHandshake();
    this.client.identity = verifiedIdentity(channel);
    this.noteOpen(this.#reactor.now.monotonicMs);
  }

  #reportFailure(reason: string): void {
    const { address: client, endpoint } = this.client;
    const { listener } = endpoint;
    this.#reactor.report({ kind: 'handshakeFailed', listener, transport: 'tls', client, reason });
  }

  /** Handles plain bytes of the arena. */
  #handleMessages(offset: number, length: number): void {
    const framer = this.#framer;
    framer.frameBytesMax = this.frameBytesMax;
    framer.push(this.#reactor.memory.arena.bytes, offset, length);
    while (!this.isGone && framer.next()) this.#handleFrame();
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
      // The staging place may hold another one.
      reactor.upstreamQueue.flush();
      memory.arena.bytes.set(payload, memory.stagingOffset);
      reactor.relayUp(memory.stagingOffset);
    }
  }

  #write(offset: number, length: number): void {
    const channel = this.#channel;
    if (channel === undefined) {
      this.#send(offset, length);
    } else if (channel.write(this.#reactor.memory.arena.addressOf(offset), length)) {
      this.#unflushed += length;
      if (this.#unflushed >= UNFLUSHED_BYTES_MAX) this.flush();
      else this.#flushLater();
    } else {
      this.#reactor.connections.closeLater(this);
    }
  }

  #flushLater(): void {
    if (this.#isFlushQueued) return;
    this.#isFlushQueued = true;
    this.#reactor.connections.flushLater(this);
  }

  /** Hands bytes of the arena to the socket. */
  #send(offset: number, length: number): void {
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

  #close(): void {
    this.#reactor.connections.close(this);
  }
}
