import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { putUint16 } from './big-endian.ts';
import type { StunMessage } from './message.ts';
import { ATTRIBUTE, HEADER_BYTES, type PasswordAlgorithm } from './registry.ts';

/** Bytes of a MESSAGE-INTEGRITY value (RFC 8489 §14.5). */
export const INTEGRITY_BYTES = 20;
/** Bytes of a MESSAGE-INTEGRITY-SHA256 value; TURN does not truncate it (RFC 8489 §14.6). */
export const INTEGRITY_SHA256_BYTES = 32;

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
  return createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
    .update(text, 'utf8')
    .digest();
}

/** Hashes a username for USERHASH: SHA-256 of `username ":" realm` as 64 lower-case hex digits (RFC 8489 §14.4). */
export function userhash(username: string, realm: string): string {
  const text = `${opaqueString(username)}:${opaqueString(realm)}`;
  return createHash('sha256').update(text, 'utf8').digest('hex');
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
  return createHmac('sha1', key).update(data).digest();
}

/** HMAC-SHA256 of `data`: 32 bytes, owned by the caller. */
export function hmacSha256(key: Uint8Array | string, data: Uint8Array | string): Uint8Array {
  return createHmac('sha256', key).update(data).digest();
}

/** SHA-256 of `data`: 32 bytes, owned by the caller. */
export function sha256(data: Uint8Array | string): Uint8Array {
  return createHash('sha256').update(data).digest();
}

/** True when both arrays hold the same bytes; the time taken tells only whether the lengths differ. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function verify(
  message: StunMessage,
  key: Uint8Array,
  hash: 'sha1' | 'sha256',
  type: number,
  valueBytes: number,
): boolean {
  const index = message.find(type);
  if (message.valueLength(index) !== valueBytes) return false;
  const { bytes, offset } = message;
  const valueOffset = message.valueOffset(index);
  // The sender wrote a header length that ends with this attribute; the borrowed header may say more.
  putUint16(adjustedLength, 0, valueOffset + valueBytes - offset - HEADER_BYTES);
  const expected = createHmac(hash, key)
    .update(bytes.subarray(offset, offset + 2))
    .update(adjustedLength)
    .update(bytes.subarray(offset + 4, valueOffset - 4))
    .digest();
  return timingSafeEqual(expected, bytes.subarray(valueOffset, valueOffset + valueBytes));
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

const adjustedLength = new Uint8Array(2);
