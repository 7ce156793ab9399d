import { addressText, readXorAddress, type Address } from './address.ts';
import { fingerprint, hmacSha1, hmacSha256 } from './integrity.ts';
import { ATTRIBUTE, CLASS, HEADER_BYTES, MAGIC_COOKIE, messageType, padded } from './numbers.ts';

const CLASS_BITS = 0x110;

interface Entry {
  readonly type: number;
  readonly value: Buffer;
  /** Where it begins in the message. */
  readonly at: number;
}

/** A STUN message from the server; reading one that is malformed throws an Error that says how. */
export class Reply {
  readonly bytes: Buffer;
  readonly transactionId: Buffer;
  readonly #entries: readonly Entry[];

  constructor(bytes: Buffer) {
    const problem = headerProblem(bytes);
    if (problem !== undefined) throw new Error(`the server sends a message with ${problem}`);
    this.bytes = bytes;
    this.transactionId = bytes.subarray(8, HEADER_BYTES);
    this.#entries = [...entriesOf(bytes)];
  }

  /** Class bits of the message type. */
  get messageClass(): number {
    return this.bytes.readUInt16BE() & CLASS_BITS;
  }

  /** True when the message is of this method and class. */
  is(method: number, messageClass: number): boolean {
    return this.bytes.readUInt16BE() === messageType(method, messageClass);
  }

  /** Value of the first attribute of a type. */
  value(type: number): Buffer | undefined {
    return this.#entries.find((entry) => entry.type === type)?.value;
  }

  has(type: number): boolean {
    return this.value(type) !== undefined;
  }

  text(type: number): string | undefined {
    return this.value(type)?.toString();
  }

  /** Attribute types in order. */
  get types(): number[] {
    return this.#entries.map(({ type }) => type);
  }

  /** Lengths of attribute values in order. */
  get lengths(): number[] {
    return this.#entries.map(({ value }) => value.length);
  }

  /** Number of ERROR-CODE; undefined when there is none that is well-formed (RFC 8489 §14.8). */
  get errorCode(): number | undefined {
    const value = this.value(ATTRIBUTE.ERROR_CODE);
    if (value === undefined || value.length < 4) return undefined;
    const [, , hundreds = 0, rest = 0] = value;
    const isValid = hundreds >= 3 && hundreds <= 6 && rest <= 99;
    return isValid ? hundreds * 100 + rest : undefined;
  }

  get lifetime(): number | undefined {
    const value = this.value(ATTRIBUTE.LIFETIME);
    return value?.length === 4 ? value.readUInt32BE() : undefined;
  }

  /** All addresses of a type like XOR-MAPPED-ADDRESS. */
  addresses(type: number): Address[] {
    return this.#entries
      .filter((entry) => entry.type === type)
      .map(({ value }) => readXorAddress(value, this.transactionId))
      .filter((address) => address !== undefined);
  }

  /** The first address of a type, as text. */
  addressText(type: number): string | undefined {
    const [address] = this.addresses(type);
    return address && addressText(address);
  }

  /** Whether MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 is there and made with the key. */
  isSigned(type: number, key: Buffer): boolean {
    const entry = this.#entries.find((candidate) => candidate.type === type);
    if (entry === undefined) return false;
    const hmac = type === ATTRIBUTE.MESSAGE_INTEGRITY ? hmacSha1 : hmacSha256;
    return hmac(key, this.#upTo(entry)).equals(entry.value);
  }

  /** Whether the message ends in the right FINGERPRINT. */
  get hasRightFingerprint(): boolean {
    const last = this.#entries.at(-1);
    if (last?.type !== ATTRIBUTE.FINGERPRINT) return false;
    return fingerprint(this.#upTo(last)).equals(last.value);
  }

  /** What it is, in a few words. */
  describe(): string {
    if (this.messageClass === CLASS.ERROR) return `error ${this.errorCode ?? 'without a code'}`;
    if (this.messageClass === CLASS.SUCCESS) return 'success';
    return this.messageClass === CLASS.INDICATION ? 'an indication' : 'a request';
  }

  /** What an integrity or fingerprint is made of: all before it, with a length that ends behind it. */
  #upTo({ at, value }: Entry): Buffer {
    const before = Buffer.from(this.bytes.subarray(0, at));
    before.writeUInt16BE(at + 4 + value.length - HEADER_BYTES, 2);
    return before;
  }
}

function headerProblem(bytes: Buffer): string | undefined {
  if (bytes.length < HEADER_BYTES) return `${bytes.length} bytes`;
  if (bytes[0]! > 0x3f) return `the first byte ${bytes[0]}`;
  if (bytes.readUInt32BE(4) !== MAGIC_COOKIE) return 'another magic cookie';
  const length = bytes.readUInt16BE(2);
  if (length % 4 !== 0 || length !== bytes.length - HEADER_BYTES) return `the length ${length}`;
  return undefined;
}

function* entriesOf(bytes: Buffer): Generator<Entry> {
  for (let at = HEADER_BYTES; at < bytes.length;) {
    const type = bytes.readUInt16BE(at);
    const length = bytes.readUInt16BE(at + 2);
    const next = at + 4 + padded(length);
    if (next > bytes.length) throw new Error(`the server sends an attribute beyond the message`);
    yield { type, value: bytes.subarray(at + 4, at + 4 + length), at };
    at = next;
  }
}
