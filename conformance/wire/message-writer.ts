import { randomBytes } from 'node:crypto';
import type { Attribute } from './attributes.ts';
import { fingerprint, hmacSha1, hmacSha256 } from './integrity.ts';
import {
  ATTRIBUTE,
  CLASS,
  HEADER_BYTES,
  MAGIC_COOKIE,
  messageType,
  padded,
  TRANSACTION_ID_BYTES,
} from './numbers.ts';

/** Puts a STUN message together, without asking whether it makes sense. */
export class MessageWriter {
  readonly transactionId: Buffer;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  readonly #parts: Buffer[] = [];

  constructor(
    method: number,
    messageClass: number = CLASS.REQUEST,
    transactionId: Buffer = randomBytes(TRANSACTION_ID_BYTES),
  ) {
    this.transactionId = transactionId;
    this.#header.writeUInt16BE(messageType(method, messageClass));
    this.#header.writeUInt32BE(MAGIC_COOKIE, 4);
    transactionId.copy(this.#header, 8);
  }

  /** Adds attributes in order. */
  add(...attributes: readonly Attribute[]): this {
    for (const { type, value, padding = 0 } of attributes) {
      this.#put(type, typeof value === 'function' ? value(this.transactionId) : value, padding);
    }
    return this;
  }

  /** Adds MESSAGE-INTEGRITY (RFC 8489 §14.5). */
  sha1(key: Buffer): this {
    return this.#put(ATTRIBUTE.MESSAGE_INTEGRITY, hmacSha1(key, this.#bytes(24)));
  }

  /** Adds MESSAGE-INTEGRITY-SHA256 (RFC 8489 §14.6), cut to fewer than its 32 bytes if asked to. */
  sha256(key: Buffer, bytes = 32): this {
    const value = hmacSha256(key, this.#bytes(4 + padded(bytes))).subarray(0, bytes);
    return this.#put(ATTRIBUTE.MESSAGE_INTEGRITY_SHA256, value);
  }

  /** Adds FINGERPRINT (RFC 8489 §14.7). */
  fingerprint(): this {
    return this.#put(ATTRIBUTE.FINGERPRINT, fingerprint(this.#bytes(8)));
  }

  /** The message so far. */
  written(): Buffer {
    return this.#bytes(0);
  }

  #put(type: number, value: Buffer, padding = 0): this {
    const part = Buffer.alloc(4 + padded(value.length), padding);
    part.writeUInt16BE(type);
    part.writeUInt16BE(value.length, 2);
    value.copy(part, 4);
    this.#parts.push(part);
    return this;
  }

  /** The message with a length that counts so many bytes to come. */
  #bytes(toCome: number): Buffer {
    const message = Buffer.concat([this.#header, ...this.#parts]);
    message.writeUInt16BE(message.length - HEADER_BYTES + toCome, 2);
    return message;
  }
}
