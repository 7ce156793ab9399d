import { int32At, paddedLength, uint16At } from './big-endian.ts';
import { fingerprintOf } from './fingerprint.ts';
import { classOf, methodOf } from './message-type.ts';
import {
  ATTRIBUTE,
  CLASS,
  HEADER_BYTES,
  MAGIC_COOKIE,
  TRANSACTION_ID_BYTES,
  type MessageClass,
} from './registry.ts';

/** Why bytes are not a STUN message; all of them are dropped without an answer. */
export type StunDecodeFailure =
  /** Fewer bytes than a header, or than the caller claims. */
  | 'tooShort'
  /** The first two bits are not 00. */
  | 'notStun'
  | 'badCookie'
  /** The header's length is not a multiple of 4, or not exactly what follows the header. */
  | 'badLength'
  /** An attribute reaches beyond the message. */
  | 'badAttributeLength'
  | 'tooManyAttributes'
  | 'attributeAfterFingerprint'
  | 'badFingerprint';

/**
 * A reusable view of one STUN message in borrowed bytes; decoding creates no object.
 *
 * The view holds until the next `decode` and only as long as the bytes do not change. Attributes that a receiver has
 * to ignore, because they follow MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256, do not exist in it.
 *
 * @see RFC 8489 §5, §14
 */
export class StunMessage {
  /** The array given to `decode`; borrowed. */
  bytes: Uint8Array = NO_BYTES;
  /** Index of the first header byte in `bytes`. */
  offset = 0;
  /** Bytes of the message with its header. */
  length = 0;
  /** 12-bit method, not necessarily one of `METHOD`. */
  method = 0;
  messageClass: MessageClass = CLASS.REQUEST;
  /** True when the message ends in a FINGERPRINT, which is then right. */
  hasFingerprint = false;
  /** Attributes to look at; 0 after a failed `decode`. */
  attributeCount = 0;

  readonly #types: Int32Array;
  readonly #valueOffsets: Int32Array;
  readonly #valueLengths: Int32Array;

  /** @param attributesMax - a message with more attributes is refused as `tooManyAttributes`. */
  constructor(attributesMax = 128) {
    this.#types = new Int32Array(attributesMax);
    this.#valueOffsets = new Int32Array(attributesMax);
    this.#valueLengths = new Int32Array(attributesMax);
  }

  /**
   * Decodes `bytes[offset, offset + length)`, which must be one whole message and nothing else.
   *
   * @param bytes - borrowed for as long as the view is used; never written.
   * @returns undefined on success; on failure the view has no attributes and its other fields mean nothing.
   * @see RFC 8489 §6.3
   */
  decode(bytes: Uint8Array, offset: number, length: number): StunDecodeFailure | undefined {
    this.bytes = bytes;
    this.offset = offset;
    this.length = length;
    this.attributeCount = 0;
    this.hasFingerprint = false;
    const failure = this.#decodeHeader() ?? this.#decodeAttributes();
    if (failure !== undefined) this.attributeCount = 0;
    return failure;
  }

  /** Index in `bytes` of the 12-byte transaction ID. */
  get transactionIdOffset(): number {
    return this.offset + 8;
  }

  /** Copies the 12-byte transaction ID; the caller owns the array. */
  copyTransactionId(): Uint8Array {
    const start = this.transactionIdOffset;
    return new Uint8Array(this.bytes.subarray(start, start + TRANSACTION_ID_BYTES));
  }

  /** Type of attribute `index`, or -1 when there is no such attribute. */
  typeAt(index: number): number {
    return this.#has(index) ? this.#types[index]! : -1;
  }

  /** Index in `bytes` of the value of attribute `index`, or -1 when there is no such attribute. */
  valueOffset(index: number): number {
    return this.#has(index) ? this.#valueOffsets[index]! : -1;
  }

  /** Bytes of the value of attribute `index` without padding, or -1 when there is no such attribute. */
  valueLength(index: number): number {
    return this.#has(index) ? this.#valueLengths[index]! : -1;
  }

  /** Index of the first attribute of a type, or -1; later ones of that type are to be ignored (RFC 8489 §14). */
  find(type: number): number {
    return this.findNext(type, -1);
  }

  /** Index of the first attribute of a type behind attribute `after`, or -1. */
  findNext(type: number, after: number): number {
    for (let index = after + 1; index < this.attributeCount; index++) {
      if (this.#types[index] === type) return index;
    }
    return -1;
  }

  /**
   * Lists what a 420 has to name: comprehension-required types (below 0x8000) that are not known.
   *
   * @returns each type once, in order of appearance; the caller owns the array.
   * @see RFC 8489 §6.3.1
   */
  unknownComprehensionRequired(isKnown: (type: number) => boolean): number[] {
    const unknown: number[] = [];
    for (let index = 0; index < this.attributeCount; index++) {
      const type = this.#types[index]!;
      if (type < 0x8000 && !isKnown(type) && !unknown.includes(type)) unknown.push(type);
    }
    return unknown;
  }

  /** True when `unknownComprehensionRequired` would list something; creates nothing. */
  hasUnknownComprehensionRequired(isKnown: (type: number) => boolean): boolean {
    for (let index = 0; index < this.attributeCount; index++) {
      const type = this.#types[index]!;
      if (type < 0x8000 && !isKnown(type)) return true;
    }
    return false;
  }

  #has(index: number): boolean {
    return index >= 0 && index < this.attributeCount;
  }

  #decodeHeader(): StunDecodeFailure | undefined {
    const { bytes, offset, length } = this;
    if (length < HEADER_BYTES || offset + length > bytes.length) return 'tooShort';
    const messageType = uint16At(bytes, offset);
    if (messageType > 0x3fff) return 'notStun';
    if (int32At(bytes, offset + 4) !== MAGIC_COOKIE) return 'badCookie';
    const attributesLength = uint16At(bytes, offset + 2);
    if (attributesLength % 4 !== 0 || attributesLength !== length - HEADER_BYTES) {
      return 'badLength';
    }
    this.method = methodOf(messageType);
    this.messageClass = classOf(messageType);
    return undefined;
  }

  #decodeAttributes(): StunDecodeFailure | undefined {
    const { bytes } = this;
    const end = this.offset + this.length;
    let seen = 0;
    let integrity = 0;
    for (let at = this.offset + HEADER_BYTES; at < end;) {
      if (this.hasFingerprint) return 'attributeAfterFingerprint';
      if (seen++ === this.#types.length) return 'tooManyAttributes';
      // `at` and `end` are both 4-aligned relative to the header, so type and length are always inside.
      const type = uint16At(bytes, at);
      const valueLength = uint16At(bytes, at + 2);
      const valueOffset = at + 4;
      at = valueOffset + paddedLength(valueLength);
      if (at > end) return 'badAttributeLength';
      if (type === ATTRIBUTE.FINGERPRINT) {
        if (!this.#isFingerprintRight(valueOffset, valueLength)) return 'badFingerprint';
        this.hasFingerprint = true;
      } else if (isIgnoredAfterIntegrity(type, integrity)) {
        continue;
      }
      if (isIntegrity(type)) integrity = type;
      this.#add(type, valueOffset, valueLength);
    }
    return undefined;
  }

  #isFingerprintRight(valueOffset: number, valueLength: number): boolean {
    const { bytes, offset } = this;
    return (
      valueLength === 4 &&
      int32At(bytes, valueOffset) === fingerprintOf(bytes, offset, valueOffset - 4)
    );
  }

  #add(type: number, valueOffset: number, valueLength: number): void {
    const index = this.attributeCount++;
    this.#types[index] = type;
    this.#valueOffsets[index] = valueOffset;
    this.#valueLengths[index] = valueLength;
  }
}

/** Whether a type other than FINGERPRINT is hidden behind attribute `integrity`, 0: none (RFC 8489 §14.5, §14.6). */
function isIgnoredAfterIntegrity(type: number, integrity: number): boolean {
  if (integrity === 0) return false;
  return (
    integrity === ATTRIBUTE.MESSAGE_INTEGRITY_SHA256 || type !== ATTRIBUTE.MESSAGE_INTEGRITY_SHA256
  );
}

function isIntegrity(type: number): boolean {
  return type === ATTRIBUTE.MESSAGE_INTEGRITY || type === ATTRIBUTE.MESSAGE_INTEGRITY_SHA256;
}

const NO_BYTES = new Uint8Array(0);
