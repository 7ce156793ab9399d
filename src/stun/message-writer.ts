import { int32At, paddedLength, putUint16, putUint32 } from './big-endian.ts';
import { fingerprintOf } from './fingerprint.ts';
import { hmacSha1, hmacSha256, INTEGRITY_BYTES, INTEGRITY_SHA256_BYTES } from './integrity.ts';
import { encodeMessageType } from './message-type.ts';
import {
  ATTRIBUTE,
  ERROR_REASON,
  HEADER_BYTES,
  MAGIC_COOKIE,
  PASSWORD_ALGORITHM,
  TRANSACTION_ID_BYTES,
  type MessageClass,
  type PasswordAlgorithm,
} from './registry.ts';
import { IPV6, type TransportAddress } from './transport-address.ts';

/**
 * Writes one STUN message at a time into given bytes, whatever they held before.
 *
 * Every method that adds an attribute leaves a complete message: the header's length is right and padding is zero.
 * Writing beyond the given bytes, or a value that its field cannot hold, is a bug of the caller and throws a
 * RangeError before anything of that attribute is written. `attribute`, `reserve`, the numbers and the addresses
 * create no object.
 *
 * @see RFC 8489 §5, §14
 */
export class StunWriter {
  #bytes: Uint8Array;
  #start: number;
  #end: number;
  #position: number;

  /** Writes into `bytes[start, end)`, borrowed until the writer is given another target. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#position = start;
    this.target(bytes, start, end);
  }

  /** Makes `bytes[start, end)` the place of the next message; borrowed. */
  target(bytes: Uint8Array, start = 0, end = bytes.length): this {
    if (start < 0 || end > bytes.length) throw new RangeError('target outside the given bytes');
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#position = start;
    return this;
  }

  /**
   * Starts a message over with its header.
   *
   * @param method - 0 to 0xFFF.
   * @param transactionId - holds the 12-byte transaction ID from `transactionIdOffset` on; copied.
   */
  begin(
    method: number,
    messageClass: MessageClass,
    transactionId: Uint8Array,
    transactionIdOffset = 0,
  ): this {
    const at = this.#start;
    checkRange(method, 0, 0xfff);
    checkRange(transactionIdOffset, 0, transactionId.length - TRANSACTION_ID_BYTES);
    checkRange(at + HEADER_BYTES, at, this.#end);
    putUint16(this.#bytes, at, encodeMessageType(method, messageClass));
    putUint16(this.#bytes, at + 2, 0);
    putUint32(this.#bytes, at + 4, MAGIC_COOKIE);
    copyBytes(this.#bytes, at + 8, transactionId, transactionIdOffset, TRANSACTION_ID_BYTES);
    this.#position = at + HEADER_BYTES;
    return this;
  }

  /** Adds an attribute with a copy of `bytes[start, start + length)`; the whole array by default. */
  attribute(type: number, bytes: Uint8Array, start = 0, length = bytes.length - start): this {
    checkRange(start, 0, bytes.length - length);
    copyBytes(this.#bytes, this.reserve(type, length), bytes, start, length);
    return this;
  }

  /**
   * Adds an attribute whose value the caller writes.
   *
   * @param length - bytes of the value, 0 to 65535.
   * @returns the index of the value in the target bytes; what is there stays, the padding behind it is zeroed.
   */
  reserve(type: number, length: number): number {
    const bytes = this.#bytes;
    const at = this.#position;
    const valueOffset = at + 4;
    const next = valueOffset + paddedLength(length);
    checkRange(type, 0, 0xffff);
    checkRange(length, 0, 0xffff);
    checkRange(next, this.#start + HEADER_BYTES + 4, this.#end);
    checkRange(next - this.#start - HEADER_BYTES, 0, 0xffff);
    putUint16(bytes, at, type);
    putUint16(bytes, at + 2, length);
    for (let pad = valueOffset + length; pad < next; pad++) bytes[pad] = 0;
    this.#position = next;
    putUint16(bytes, this.#start + 2, next - this.#start - HEADER_BYTES);
    return valueOffset;
  }

  /** Adds an attribute without value, such as DONT-FRAGMENT. */
  flag(type: number): this {
    this.reserve(type, 0);
    return this;
  }

  /**
   * Adds an attribute that starts with an 8-bit number.
   *
   * @param valueBytes - length of the whole value, for example 4 for REQUESTED-TRANSPORT; the rest is zero.
   */
  uint8(type: number, value: number, valueBytes = 1): this {
    checkRange(value, 0, 0xff);
    checkRange(valueBytes, 1, 0xffff);
    const at = this.#reserveZeroed(type, valueBytes);
    this.#bytes[at] = value;
    return this;
  }

  /**
   * Adds an attribute that starts with a 16-bit number.
   *
   * @param valueBytes - length of the whole value, for example 4 for CHANNEL-NUMBER; the rest is zero.
   */
  uint16(type: number, value: number, valueBytes = 2): this {
    checkRange(value, 0, 0xffff);
    checkRange(valueBytes, 2, 0xffff);
    putUint16(this.#bytes, this.#reserveZeroed(type, valueBytes), value);
    return this;
  }

  /** Adds an attribute of one unsigned 32-bit number. */
  uint32(type: number, value: number): this {
    checkRange(value, 0, 0xffffffff);
    putUint32(this.#bytes, this.reserve(type, 4), value);
    return this;
  }

  /** Adds a UTF-8 text; lengths that RFC 8489 limits are the caller's business. */
  text(type: number, value: string): this {
    return this.attribute(type, UTF8.encode(value));
  }

  /** Adds an address in the form of MAPPED-ADDRESS (RFC 8489 §14.1). */
  address(type: number, address: TransportAddress): this {
    return this.#address(type, address, 0);
  }

  /** Adds an address in the form of XOR-MAPPED-ADDRESS (RFC 8489 §14.2). */
  xorAddress(type: number, address: TransportAddress): this {
    return this.#address(type, address, MAGIC_COOKIE);
  }

  /**
   * Adds ERROR-CODE.
   *
   * @param code - 300 to 699.
   * @param reason - defaults to the registered phrase; may be empty.
   * @see RFC 8489 §14.8
   */
  errorCode(code: number, reason: string = ERROR_REASON[code] ?? ''): this {
    checkRange(code, 300, 699);
    const phrase = UTF8.encode(reason);
    const at = this.reserve(ATTRIBUTE.ERROR_CODE, 4 + phrase.length);
    putUint16(this.#bytes, at, 0);
    this.#bytes[at + 2] = Math.trunc(code / 100);
    this.#bytes[at + 3] = code % 100;
    this.#bytes.set(phrase, at + 4);
    return this;
  }

  /** Adds UNKNOWN-ATTRIBUTES (RFC 8489 §14.13). */
  unknownAttributes(types: readonly number[]): this {
    for (const type of types) checkRange(type, 0, 0xffff);
    let at = this.reserve(ATTRIBUTE.UNKNOWN_ATTRIBUTES, types.length * 2);
    for (const type of types) {
      putUint16(this.#bytes, at, type);
      at += 2;
    }
    return this;
  }

  /** Adds PASSWORD-ALGORITHMS, preferred first (RFC 8489 §14.11). */
  passwordAlgorithms(algorithms: readonly PasswordAlgorithm[]): this {
    return this.#algorithms(ATTRIBUTE.PASSWORD_ALGORITHMS, algorithms);
  }

  /** Adds PASSWORD-ALGORITHM, as a client does (RFC 8489 §14.12). */
  passwordAlgorithm(algorithm: PasswordAlgorithm): this {
    return this.#algorithms(ATTRIBUTE.PASSWORD_ALGORITHM, [algorithm]);
  }

  /** Adds MESSAGE-INTEGRITY over everything so far (RFC 8489 §14.5). */
  integrity(key: Uint8Array): this {
    const at = this.reserve(ATTRIBUTE.MESSAGE_INTEGRITY, INTEGRITY_BYTES);
    this.#bytes.set(hmacSha1(key, this.#bytes.subarray(this.#start, at - 4)), at);
    return this;
  }

  /** Adds MESSAGE-INTEGRITY-SHA256 over everything so far (RFC 8489 §14.6). */
  integritySha256(key: Uint8Array): this {
    const at = this.reserve(ATTRIBUTE.MESSAGE_INTEGRITY_SHA256, INTEGRITY_SHA256_BYTES);
    this.#bytes.set(hmacSha256(key, this.#bytes.subarray(this.#start, at - 4)), at);
    return this;
  }

  /** Adds FINGERPRINT, which has to be the last attribute (RFC 8489 §14.7). */
  fingerprint(): this {
    const at = this.reserve(ATTRIBUTE.FINGERPRINT, 4);
    putUint32(this.#bytes, at, fingerprintOf(this.#bytes, this.#start, at - 4));
    return this;
  }

  /** Bytes of the message with its header. */
  finish(): number {
    return this.#position - this.#start;
  }

  /** A copy of the message; the caller owns it. */
  written(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(this.#start, this.#position));
  }

  #reserveZeroed(type: number, length: number): number {
    const at = this.reserve(type, length);
    for (let index = at; index < at + length; index++) this.#bytes[index] = 0;
    return at;
  }

  #address(type: number, address: TransportAddress, mask: number): this {
    const bytes = this.#bytes;
    checkRange(address.port, 0, 0xffff);
    const isIpv6 = address.family === IPV6;
    const at = this.reserve(type, isIpv6 ? 20 : 8);
    putUint16(bytes, at, address.family);
    putUint16(bytes, at + 2, address.port ^ (mask >>> 16));
    putUint32(bytes, at + 4, address.word0 ^ mask);
    if (!isIpv6) return this;
    const id = this.#start + 8;
    putUint32(bytes, at + 8, address.word1 ^ (mask && int32At(bytes, id)));
    putUint32(bytes, at + 12, address.word2 ^ (mask && int32At(bytes, id + 4)));
    putUint32(bytes, at + 16, address.word3 ^ (mask && int32At(bytes, id + 8)));
    return this;
  }

  #algorithms(type: number, algorithms: readonly PasswordAlgorithm[]): this {
    let at = this.reserve(type, algorithms.length * 4);
    for (const algorithm of algorithms) {
      putUint16(this.#bytes, at, PASSWORD_ALGORITHM[algorithm]);
      putUint16(this.#bytes, at + 2, 0);
      at += 4;
    }
    return this;
  }
}

/** Copies without creating a view, also within one array. */
function copyBytes(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  length: number,
): void {
  if (source === target) {
    target.copyWithin(at, start, start + length);
  } else if (source.length === length) {
    target.set(source, at);
  } else {
    for (let index = 0; index < length; index++) target[at + index] = source[start + index]!;
  }
}

function checkRange(value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) throw new RangeError(`${value} is not in [${min}, ${max}]`);
}

const UTF8 = new TextEncoder();
