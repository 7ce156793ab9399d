import { FINGERPRINT_XOR } from './registry.ts';

/**
 * Computes the value of a FINGERPRINT attribute.
 *
 * @param bytes - borrowed; the message from its first header byte (`start`) up to the first byte of the FINGERPRINT
 *   attribute (`end`, exclusive), with a header length that already counts FINGERPRINT.
 * @returns a signed 32-bit integer.
 * @see RFC 8489 §14.7
 */
export function fingerprintOf(bytes: Uint8Array, start: number, end: number): number {
  return crc32(bytes, start, end) ^ FINGERPRINT_XOR;
}

/** Computes the CRC-32 of ISO 3309 over `bytes[start, end)`; a signed 32-bit integer. */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  let remainder = -1;
  for (let at = start; at < end; at++) {
    remainder = CRC_OF_BYTE[(remainder ^ bytes[at]!) & 0xff]! ^ (remainder >>> 8);
  }
  return ~remainder;
}

const REVERSED_POLYNOMIAL = 0xedb88320;
const CRC_OF_BYTE = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ REVERSED_POLYNOMIAL : remainder >>> 1;
  }
  return remainder;
});
