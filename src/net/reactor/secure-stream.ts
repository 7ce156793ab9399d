import { STREAM_READ_BYTES, UPSTREAM_SLOTS } from './packet-memory.ts';
import type { Reactor } from './reactor.ts';
import { HelloLength } from './secure/hello-length.ts';
import { SecureChannel } from './secure/secure-channel.ts';
import type { SecureContext } from './secure/secure-context.ts';
import type { StreamOutput } from './stream-output.ts';

/** Plaintext of one record (RFC 8446 §5.1). */
const RECORD_BYTES_MAX = 16 * 1024;
/** Ciphertext is handed to the socket at the end of the turn, or when there is so much of it. */
const UNFLUSHED_BYTES_MAX = 64 * 1024;

/** TLS on a stream connection: decrypts into the slots for received datagrams, and gathers what it encrypts. */
export class SecureStream {
  readonly channel: SecureChannel;
  readonly #reactor: Reactor;
  readonly #output: StreamOutput;
  readonly #helloLength = new HelloLength();
  #unflushed = 0;
  #isFlushQueued = false;
  #isEnded = false;

  constructor(reactor: Reactor, context: SecureContext, output: StreamOutput) {
    this.#reactor = reactor;
    this.#output = output;
    this.channel = new SecureChannel(context);
  }

  /** Plaintext that is encrypted and not handed to the socket yet, bytes. */
  get unflushed(): number {
    return this.#unflushed;
  }

  /** False when ciphertext of the arena, which belongs to the handshake, claims a hello that is too long. */
  admits(offset: number, length: number): boolean {
    return this.#helloLength.admits(this.#reactor.memory.arena.bytes, offset, length);
  }

  /** Takes ciphertext of the arena. */
  push(offset: number, length: number): void {
    this.channel.push(this.#reactor.memory.arena.addressOf(offset), length);
  }

  /** Goes on with the handshake. */
  handshake(): void {
    this.channel.handshake();
    this.#flushLater();
  }

  /**
   * Decrypts what was pushed.
   *
   * @param onPlaintext - told where in the arena each piece lies, which stays there until the upstream queue is
   *   flushed; returns false when the connection is gone.
   */
  read(onPlaintext: (offset: number, length: number) => boolean): void {
    const { memory, upstreamQueue } = this.#reactor;
    for (let slot = 0; this.channel.isOpen; slot++) {
      if (slot === UPSTREAM_SLOTS) {
        upstreamQueue.flush();
        slot = 0;
      }
      const place = memory.upstream.payloadOffset(slot);
      const length = this.channel.read(memory.arena.addressOf(place), RECORD_BYTES_MAX);
      if (length === 0) {
        // An answer to a key update, or an alert.
        if (this.channel.pending > 0) this.#flushLater();
        return;
      }
      if (!onPlaintext(place, length)) return;
      // Most often the record was all there is: another read would only say so.
      if (this.channel.unread === 0) return;
    }
  }

  /** Encrypts bytes of the arena; false when the channel takes no more. */
  write(offset: number, length: number): boolean {
    if (!this.channel.write(this.#reactor.memory.arena.addressOf(offset), length)) return false;
    this.#unflushed += length;
    if (this.#unflushed >= UNFLUSHED_BYTES_MAX) this.flush();
    else this.#flushLater();
    return true;
  }

  /** Hands ciphertext to the socket. */
  flush(): void {
    if (this.#isEnded) return;
    this.#isFlushQueued = false;
    this.#unflushed = 0;
    const { arena, ciphertextOffset } = this.#reactor.memory;
    const address = arena.addressOf(ciphertextOffset);
    for (let length = STREAM_READ_BYTES; length === STREAM_READ_BYTES;) {
      length = this.channel.pull(address, STREAM_READ_BYTES);
      if (length > 0) this.#output.send(ciphertextOffset, length);
    }
  }

  /** Says goodbye, as far as the client takes it at once, and gives everything back; once, at the end. */
  end(): void {
    this.channel.close();
    this.flush();
    this.#isEnded = true;
    this.channel.free();
  }

  #flushLater(): void {
    if (this.#isFlushQueued) return;
    this.#isFlushQueued = true;
    this.#reactor.connections.flushLater(this);
  }
}
