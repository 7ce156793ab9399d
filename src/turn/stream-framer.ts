import { paddedLength, uint16At } from '../stun/big-endian.ts';
import { HEADER_BYTES } from '../stun/registry.ts';
import { STREAM_FRAME_BYTES_MAX } from '../limits.ts';
import { CHANNEL_DATA_HEADER_BYTES } from './channel-data.ts';

const PENDING_BYTES_MIN = 2048;

/**
 * Cuts a byte stream into STUN messages and ChannelData frames (RFC 8489 §6.2.2, RFC 8656 §12.5).
 *
 * Whole frames are found in place in the chunk that `push` was given; only a frame that spans chunks is copied, into
 * a buffer that is kept for the next one unless it is large.
 */
export class StreamFramer {
  /** Where the current frame lies: valid after `next()` returned true and until the following call. */
  bytes: Uint8Array = new Uint8Array(0);
  /** First byte of the current frame in `bytes`. */
  offset = 0;
  /** Length of the current frame, the padding of ChannelData included. */
  length = 0;
  /** Frames longer than this break the stream. */
  frameBytesMax = STREAM_FRAME_BYTES_MAX;
  /** True when the stream holds something that is neither STUN nor ChannelData; it cannot recover. */
  isBroken = false;

  #chunk: Uint8Array = this.bytes;
  #position = 0;
  #end = 0;
  #pending: Uint8Array | undefined;
  #pendingLength = 0;
  #isPendingTaken = false;

  /** Bytes of an incomplete frame kept for the next chunk. */
  get pendingBytes(): number {
    return this.#pendingLength;
  }

  /** Takes the next chunk, borrowed until `next()` returned false; call only then. */
  push(bytes: Uint8Array, offset: number, length: number): void {
    this.#chunk = bytes;
    this.#position = offset;
    this.#end = offset + length;
  }

  /** Moves to the next whole frame; false when more bytes are needed or the stream is broken. */
  next(): boolean {
    if (this.#isPendingTaken) this.#forgetPending();
    if (this.isBroken) return false;
    return this.#pendingLength > 0 ? this.#nextFromPending() : this.#nextInPlace();
  }

  #nextInPlace(): boolean {
    const available = this.#end - this.#position;
    if (available < CHANNEL_DATA_HEADER_BYTES) return this.#keepRest();
    const length = frameLength(this.#chunk, this.#position);
    if (length === 0 || length > this.frameBytesMax) return this.#break();
    if (available < length) return this.#keepRest();
    this.bytes = this.#chunk;
    this.offset = this.#position;
    this.length = length;
    this.#position += length;
    return true;
  }

  #nextFromPending(): boolean {
    if (!this.#fill(CHANNEL_DATA_HEADER_BYTES)) return false;
    const length = frameLength(this.#pending as Uint8Array, 0);
    if (length === 0 || length > this.frameBytesMax) return this.#break();
    if (!this.#fill(length)) return false;
    this.bytes = this.#pending as Uint8Array;
    this.offset = 0;
    this.length = length;
    this.#isPendingTaken = true;
    return true;
  }

  /** Moves bytes from the chunk until `wanted` are pending; false when the chunk has too few. */
  #fill(wanted: number): boolean {
    const missing = Math.min(wanted - this.#pendingLength, this.#end - this.#position);
    if (missing > 0) {
      const pending = this.#reserve(wanted);
      // A view for `set` would be an object for every frame that spans chunks.
      for (let count = 0; count < missing; count++) {
        pending[this.#pendingLength++] = this.#chunk[this.#position++]!;
      }
    }
    return this.#pendingLength >= wanted;
  }

  #reserve(wanted: number): Uint8Array {
    const pending = this.#pending;
    if (pending !== undefined && pending.length >= wanted) return pending;
    const grown = new Uint8Array(Math.max(wanted, PENDING_BYTES_MIN));
    if (pending !== undefined) grown.set(pending.subarray(0, this.#pendingLength));
    this.#pending = grown;
    return grown;
  }

  #keepRest(): false {
    const rest = this.#end - this.#position;
    if (rest > 0) this.#fill(rest);
    return false;
  }

  #forgetPending(): void {
    this.#isPendingTaken = false;
    this.#pendingLength = 0;
    const kept = this.#pending?.length ?? 0;
    if (kept > PENDING_BYTES_MIN) this.#pending = undefined;
  }

  #break(): false {
    this.isBroken = true;
    this.#forgetPending();
    return false;
  }
}

/** Length of the frame whose first four bytes are at `offset`, or 0 when they begin neither kind of frame. */
function frameLength(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset] as number;
  const length = uint16At(bytes, offset + 2);
  if (first < 4) return length % 4 === 0 ? HEADER_BYTES + length : 0;
  if (first >= 0x40 && first < 0x80) return CHANNEL_DATA_HEADER_BYTES + paddedLength(length);
  return 0;
}
