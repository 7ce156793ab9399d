import { hash, timingSafeEqual } from 'node:crypto';
import { putUint16 } from './big-endian.ts';
import type { StunMessage } from './message.ts';
import { ATTRIBUTE, HEADER_BYTES, type PasswordAlgorithm } from './registry.ts';

/** Bytes of a MESSAGE-INTEGRITY value (RFC 8489 §14.5). */
export const INTEGRITY_BYTES = 20;
/** Bytes of a MESSAGE-INTEGRITY-SHA256 value; TURN does not truncate it (RFC 8489 §14.6). */
export const INTEGRITY_SHA256_BYTES = 32;

/** Both hashes work on blocks of this size. */
const BLOCK_BYTES = 64;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

type HmacHash = 'sha1' | 'sha256';

/**
 * Derives the long-term key: the hash of `username ":" realm ":" password`, each after OpaqueString enforcement.
 *
 * @returns 16 bytes (MD5) or 32 bytes (SHA-256); the caller owns them.
 * @see RFC 8489 §9.2.2, §18.5.1
 */
export function longTermKey(
  username: string,
  realm: string,
  password: string,
  algorithm: PasswordAlgorithm,
): Uint8Array {
  const text = [username, realm, password].map(opaqueString).join(':');
  return digest(algorithm === 'MD5' ? 'md5' : 'sha256', text);
}

/** Hashes a username for USERHASH: SHA-256 of `username ":" realm` as 64 lower-case hex digits (RFC 8489 §14.4). */
export function userhash(username: string, realm: string): string {
  const text = `${opaqueString(username)}:${opaqueString(realm)}`;
  return hash('sha256', text, 'hex');
}

/**
 * Checks the first MESSAGE-INTEGRITY of a message in constant time.
 *
 * @param message - borrowed and not written.
 * @returns false when the attribute is absent, does not have 20 bytes, or was made with another key.
 * @see RFC 8489 §14.5
 */
export function verifyIntegrity(message: StunMessage, key: Uint8Array): boolean {
  return verify(message, key, 'sha1', ATTRIBUTE.MESSAGE_INTEGRITY, INTEGRITY_BYTES);
}

/**
 * Checks the first MESSAGE-INTEGRITY-SHA256 of a message in constant time.
 *
 * @param message - borrowed and not written.
 * @returns false when the attribute is absent, does not have all 32 bytes, or was made with another key.
 * @see RFC 8489 §14.6
 */
export function verifyIntegritySha256(message: StunMessage, key: Uint8Array): boolean {
  const type = ATTRIBUTE.MESSAGE_INTEGRITY_SHA256;
  return verify(message, key, 'sha256', type, INTEGRITY_SHA256_BYTES);
}

/** HMAC-SHA1 of `data`: 20 bytes, owned by the caller. */
export function hmacSha1(key: Uint8Array | string, data: Uint8Array | string): Uint8Array {
  return hmac('sha1', key, data);
}

/** HMAC-SHA256 of `data`: 32 bytes, owned by the caller. */
export function hmacSha256(key: Uint8Array | string, data: Uint8Array | string): Uint8Array {
  return hmac('sha256', key, data);
}

/** SHA-256 of `data`: 32 bytes, owned by the caller. */
export function sha256(data: Uint8Array | string): Uint8Array {
  return digest('sha256', data);
}

/** True when both arrays hold the same bytes; the time taken tells only whether the lengths differ. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function verify(
  message: StunMessage,
  key: Uint8Array,
  algorithm: HmacHash,
  type: number,
  valueBytes: number,
): boolean {
  const index = message.find(type);
  if (message.valueLength(index) !== valueBytes) return false;
  const { bytes, offset } = message;
  const valueOffset = message.valueOffset(index);
  const signed = bytes.subarray(offset, valueOffset - 4);
  const input = hmacInput(key, algorithm, signed.length);
  input.set(signed, BLOCK_BYTES);
  // The sender wrote a header length that ends with this attribute; the borrowed header may say more.
  putUint16(input, BLOCK_BYTES + 2, valueOffset + valueBytes - offset - HEADER_BYTES);
  const expected = finishHmac(algorithm, signed.length);
  return timingSafeEqual(expected, bytes.subarray(valueOffset, valueOffset + valueBytes));
}

function hmac(
  algorithm: HmacHash,
  key: Uint8Array | string,
  data: Uint8Array | string,
): Uint8Array {
  const bytes = bytesOf(data);
  hmacInput(bytesOf(key), algorithm, bytes.length).set(bytes, BLOCK_BYTES);
  return finishHmac(algorithm, bytes.length);
}

/**
 * Begins an HMAC (RFC 2104) in a buffer that all of them share, and returns it: the caller puts `dataBytes` of data
 * behind the first block, and calls `finishHmac`.
 *
 * Two one-shot hashes take a third of the time of `createHmac` and leave no native object to the garbage collector,
 * which matters when thousands of clients allocate at once.
 */
function hmacInput(key: Uint8Array, algorithm: HmacHash, dataBytes: number): Uint8Array {
  const byteLength = BLOCK_BYTES + dataBytes;
  if (inner.length < byteLength) inner = Buffer.alloc(byteLength);
  const short = key.length <= BLOCK_BYTES ? key : digest(algorithm, key);
  for (let at = 0; at < BLOCK_BYTES; at++) {
    const byte = at < short.length ? short[at]! : 0;
    inner[at] = byte ^ INNER_PAD;
    outer[at] = byte ^ OUTER_PAD;
  }
  return inner;
}

function finishHmac(algorithm: HmacHash, dataBytes: number): Uint8Array {
  const innerDigest = hash(algorithm, inner.subarray(0, BLOCK_BYTES + dataBytes), 'binary');
  outer.write(innerDigest, BLOCK_BYTES, 'latin1');
  return digest(algorithm, outer.subarray(0, BLOCK_BYTES + innerDigest.length));
}

function digest(algorithm: HmacHash | 'md5', data: Uint8Array | string): Uint8Array {
  return Buffer.from(hash(algorithm, data, 'binary'), 'latin1');
}

function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data;
}

/**
 * Applies the mappings of the OpaqueString profile: every space becomes U+0020, then NFC (RFC 8265 §4.2.2).
 *
 * ASCII is returned as it is. Code points that the profile forbids pass: whoever made the key let them pass too, and
 * refusing them here would only turn a wrong password into an exception.
 */
function opaqueString(text: string): string {
  return text.replace(/\p{Zs}/gu, ' ').normalize('NFC');
}

let inner = Buffer.alloc(1024);
const outer = Buffer.alloc(BLOCK_BYTES + INTEGRITY_SHA256_BYTES);
