import type { MessageClass } from './registry.ts';

/**
 * Interleaves method and class into the 14-bit message type.
 *
 * ```
 *  M11 M10 M9 M8 M7 C1 M6 M5 M4 C0 M3 M2 M1 M0
 * ```
 *
 * @param method - 0 to 0xFFF.
 * @see RFC 8489 §5
 */
export function encodeMessageType(method: number, messageClass: MessageClass): number {
  return (
    ((method & 0xf80) << 2) |
    ((method & 0x070) << 1) |
    (method & 0x00f) |
    ((messageClass & 0b10) << 7) |
    ((messageClass & 0b01) << 4)
  );
}

/** Extracts the 12-bit method from a 14-bit message type (RFC 8489 §5). */
export function methodOf(messageType: number): number {
  return ((messageType >>> 2) & 0xf80) | ((messageType >>> 1) & 0x070) | (messageType & 0x00f);
}

/** Extracts the class from a 14-bit message type (RFC 8489 §5). */
export function classOf(messageType: number): MessageClass {
  return (((messageType >>> 7) & 0b10) | ((messageType >>> 4) & 0b01)) as MessageClass;
}
