import { constants } from 'node:os';
import { EPOLLERR, EPOLLHUP, EPOLLOUT, EPOLLRDHUP } from '../../sys/layout.ts';
import { receiveStream } from '../../sys/stream.ts';
import type { Client } from '../../turn/allocation.ts';
import { StreamFramer } from '../../turn/stream-framer.ts';
import { StreamConnection } from '../shared/stream-connection.ts';
import type { PollHandler, Reactor } from './reactor.ts';
import { SecureStream } from './secure-stream.ts';
import { verifiedIdentity } from './secure/verified-identity.ts';
import { StreamOutput } from './stream-output.ts';
import type { TcpListener } from './tcp-listener.ts';

const { EAGAIN } = constants.errno;

/** A client's TCP connection, plain or with TLS: cuts the stream into messages and writes what the core answers. */
export class TcpConnection extends StreamConnection implements PollHandler {
  readonly #listener: TcpListener;
  readonly #reactor: Reactor;
  readonly #fd: number;
  readonly #framer = new StreamFramer();
  readonly #output: StreamOutput;
  #secure: SecureStream | undefined;

  constructor(reactor: Reactor, listener: TcpListener, client: Client) {
    super(reactor, listener, client);
    this.#listener = listener;
    this.#reactor = reactor;
    this.#fd = client.handle;
    this.#output = new StreamOutput(reactor, client);
  }

  onReady(flags: number): void {
    if ((flags & EPOLLOUT) !== 0) this.#output.resume();
    const hasEnded = (flags & (EPOLLERR | EPOLLHUP)) !== 0;
    if (flags === EPOLLOUT) return;
    // The allocation may have ended meanwhile: then it is not heard before it has read.
    if (!hasEnded && this.#output.isHoldingBackReads) this.#output.rewatch();
    // One that is resumed may have ended since its edge.
    else this.#read(hasEnded || flags === 0 || (flags & EPOLLRDHUP) !== 0);
  }

  /** Sends relayed data of the arena; dropped when the client is too slow for it. */
  sendRelayed(offset: number, length: number): void {
    if (this.isTooSlowFor(length, this.#waiting)) return;
    if (this.#secure === undefined) {
      this.#reactor.gatheredWrites.add(this.#output, offset, length);
    } else {
      this.#writeSecure(this.#secure, offset, length);
    }
  }

  /** Sends a response or indication; a client that leaves too many of them unread is disconnected. */
  sendControl(bytes: Uint8Array): void {
    const { connections, gatheredWrites, memory, upstreamQueue } = this.#reactor;
    if (this.isUnresponsive(this.#waiting)) {
      connections.closeLater(this);
    } else if (this.#secure === undefined) {
      gatheredWrites.addCopy(this.#output, bytes);
    } else {
      // The staging place may hold a payload that is still to be relayed.
      upstreamQueue.flush();
      memory.arena.bytes.set(bytes, memory.stagingOffset);
      this.#writeSecure(this.#secure, memory.stagingOffset, bytes.length);
    }
  }

  /** Ends what is not memory; once, before the socket is closed. */
  end(): void {
    this.leaveHandshake();
    this.#reactor.gatheredWrites.flush();
    this.#secure?.end();
    this.#secure = undefined;
  }

  /** Bytes that the client has not taken. */
  get #waiting(): number {
    return this.#output.waiting + (this.#secure?.unflushed ?? 0);
  }

  /** One read in a turn, and another one in the next when this was not all. */
  #read(mayHaveEnded: boolean): void {
    const { memory, loopBudget } = this.#reactor;
    const { isStranger } = this;
    // Whatever it says next, there would be an answer to it.
    if (this.isUnresponsive(this.#waiting)) {
      this.#close();
      return;
    }
    const granted = loopBudget.grant(isStranger);
    if (granted === 0 || (this.isBeforeOpen && !loopBudget.grantHandshakeStep())) {
      this.#reactor.resume(this.#fd);
      return;
    }
    const length = receiveStream(this.#fd, memory.arena, memory.streamOffset, granted);
    if (length === granted || (length > 0 && mayHaveEnded)) this.#reactor.resume(this.#fd);
    if (length > 0) {
      loopBudget.spend(length, isStranger);
      this.#handleChunk(memory.streamOffset, length);
    } else if (length !== -EAGAIN) {
      this.#close();
    }
  }

  #handleChunk(offset: number, length: number): void {
    const skipped = this.readOpening(this.#reactor.memory.arena.bytes, offset, length);
    if (this.isGone || skipped === length) return;
    if (this.isInHandshake) {
      this.#secure ??= new SecureStream(this.#reactor, this.#listener.secureContext, this.#output);
    }
    if (this.#secure === undefined) this.#handleMessages(offset + skipped, length - skipped);
    else this.#decrypt(this.#secure, offset + skipped, length - skipped);
    this.#reactor.upstreamQueue.flush();
    if (this.#framer.isBroken && !this.isGone) this.#close();
  }

  #decrypt(secure: SecureStream, offset: number, length: number): void {
    const { channel } = secure;
    if (this.isInHandshake && !secure.admits(offset, length)) {
      this.#fail('the hello is too long');
      return;
    }
    secure.push(offset, length);
    if (this.isInHandshake) {
      secure.handshake();
      if (channel.isOpen) this.#handleSecured(secure);
    }
    if (channel.isChallenge && channel.isOpen) {
      this.#close();
      return;
    }
    secure.read(this.#handlePlaintext);
    if (this.isGone || !channel.isOver) return;
    if (channel.state === 'failed') this.#fail(channel.failure);
    else this.#close();
  }

  #fail(reason: string): void {
    const kind = this.isInHandshake ? 'handshakeFailed' : 'channelFailed';
    this.#reactor.report({ kind, client: this.client, reason });
    this.#close();
  }

  #handleSecured({ channel }: SecureStream): void {
    this.leaveHandshake();
    this.client.identity = verifiedIdentity(channel);
    this.noteOpen(this.#reactor.now.monotonicMs);
  }

  readonly #handlePlaintext = (offset: number, length: number): boolean => {
    this.#handleMessages(offset, length);
    return !this.isGone;
  };

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

  #writeSecure(secure: SecureStream, offset: number, length: number): void {
    if (!secure.write(offset, length)) this.#reactor.connections.closeLater(this);
  }

  #close(): void {
    this.#reactor.connections.close(this);
  }
}
