/**
 * Reads two bytes in network order.
 *
 * @param at - index in `bytes`; the caller has checked that `at + 2 <= bytes.length`.
 */
export function uint16At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/**
 * Reads four bytes in network order as a signed 32-bit integer, which V8 keeps unboxed.
 *
 * @param at - index in `bytes`; the caller has checked that `at + 4 <= bytes.length`.
 */
export function int32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** Writes the low 16 bits of `value` in network order; the caller has checked the bounds. */
export function putUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Writes the low 32 bits of `value` in network order; the caller has checked the bounds. */
export function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Rounds a length up to a multiple of four bytes (RFC 8489 §14). */
export function paddedLength(length: number): number {
  return (length + 3) & ~3;
}
