import { uint16At } from '../../../stun/big-endian.ts';

const RECORD_HEADER_BYTES = 13;
const HANDSHAKE_HEADER_BYTES = 12;
const HANDSHAKE_RECORD = 22;
const ALERT_RECORD = 21;
const CLIENT_HELLO = 1;
const HELLO_VERIFY_REQUEST = 3;
const RANDOM_BYTES = 32;
const VERSION_BYTES = 2;
/** DTLS 1.0, whatever is negotiated later (RFC 6347 §4.2.1). */
const HELLO_VERIFY_VERSION = 0xfeff;

/** Where the parts of a DTLS ClientHello lie that a server needs which keeps no state yet; reused. */
export class ClientHello {
  /** Bytes of the datagram; borrowed. */
  bytes: Uint8Array = new Uint8Array(0);
  recordOffset = 0;
  randomOffset = 0;
  cookieOffset = 0;
  cookieLength = 0;

  /**
   * Reads a datagram.
   *
   * @returns false unless it is an unencrypted ClientHello in one piece and nothing else (RFC 6347 §4.2.1, §4.2.2).
   */
  read(bytes: Uint8Array, offset: number, length: number): boolean {
    if (!isClientHello(bytes, offset, length)) return false;
    const end = offset + RECORD_HEADER_BYTES + uint16At(bytes, offset + 11);
    const body = offset + RECORD_HEADER_BYTES + HANDSHAKE_HEADER_BYTES;
    if (body > end || !isInOnePiece(bytes, body, end - body)) return false;
    const random = body + VERSION_BYTES;
    const session = random + RANDOM_BYTES;
    if (end !== offset + length || session >= end) return false;
    const cookie = session + 1 + bytes[session]!;
    if (cookie >= end || cookie + 1 + bytes[cookie]! > end) return false;
    this.bytes = bytes;
    this.recordOffset = offset;
    this.randomOffset = random;
    this.cookieOffset = cookie + 1;
    this.cookieLength = bytes[cookie]!;
    return true;
  }

  /** The 32 bytes by which one handshake of a client is told from the next. */
  copyRandom(): Uint8Array {
    return this.bytes.slice(this.randomOffset, this.randomOffset + RANDOM_BYTES);
  }
}

/** True when the handshake header in front of `body` promises what is there: one fragment with the whole message. */
function isInOnePiece(bytes: Uint8Array, body: number, length: number): boolean {
  const messageLength = uint24At(bytes, body - 11);
  const fragmentOffset = uint24At(bytes, body - 6);
  return messageLength === length && fragmentOffset === 0 && uint24At(bytes, body - 3) === length;
}

function uint24At(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 16) | uint16At(bytes, offset + 1);
}

/** True for a datagram that begins with an unencrypted ClientHello, whole or not. */
export function isClientHello(bytes: Uint8Array, offset: number, length: number): boolean {
  return (
    length > RECORD_HEADER_BYTES &&
    bytes[offset] === HANDSHAKE_RECORD &&
    uint16At(bytes, offset + 3) === 0 &&
    bytes[offset + RECORD_HEADER_BYTES] === CLIENT_HELLO
  );
}

/**
 * True when a datagram holds a record that OpenSSL would end an association over although nobody has signed it: an
 * alert without protection, or an encrypted record of less than `min` bytes, the header not counted.
 */
export function hasForgedRecord(
  bytes: Uint8Array,
  offset: number,
  length: number,
  min: number,
): boolean {
  const end = offset + length;
  for (let at = offset; at + RECORD_HEADER_BYTES <= end; at += recordLength(bytes, at)) {
    const isEncrypted = uint16At(bytes, at + 3) !== 0;
    if (isEncrypted ? uint16At(bytes, at + 11) < min : bytes[at] === ALERT_RECORD) return true;
  }
  return false;
}

/**
 * Writes the HelloVerifyRequest that answers `hello` (RFC 6347 §4.2.1); it is shorter than any ClientHello.
 *
 * @returns its length in bytes.
 */
export function writeHelloVerifyRequest(
  into: Uint8Array,
  offset: number,
  hello: ClientHello,
  cookie: Uint8Array,
): number {
  const bodyLength = VERSION_BYTES + 1 + cookie.length;
  const view = new DataView(into.buffer, into.byteOffset + offset);
  view.setUint8(0, HANDSHAKE_RECORD);
  view.setUint16(1, HELLO_VERIFY_VERSION);
  // Epoch and sequence number are those of the ClientHello.
  into.set(hello.bytes.subarray(hello.recordOffset + 3, hello.recordOffset + 11), offset + 3);
  view.setUint16(11, HANDSHAKE_HEADER_BYTES + bodyLength);
  view.setUint32(13, (HELLO_VERIFY_REQUEST << 24) | bodyLength);
  view.setUint16(17, 0);
  // One fragment: its offset and its length, 24 bits each.
  view.setUint32(19, 0);
  view.setUint16(23, bodyLength);
  view.setUint16(25, HELLO_VERIFY_VERSION);
  view.setUint8(27, cookie.length);
  into.set(cookie, offset + 28);
  return RECORD_HEADER_BYTES + HANDSHAKE_HEADER_BYTES + bodyLength;
}

/** Length of the DTLS record at `offset`, header included. */
export function recordLength(bytes: Uint8Array, offset: number): number {
  return RECORD_HEADER_BYTES + uint16At(bytes, offset + 11);
}
