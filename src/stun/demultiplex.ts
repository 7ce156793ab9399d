/** What the first byte of a datagram or stream says about the rest; numbers keep the packet path cheap. */
export const FIRST_BYTE = {
  STUN: 0,
  CHANNEL_DATA: 1,
  DTLS: 2,
  OTHER: 3,
} as const;

/** A value of {@link FIRST_BYTE}. */
export type FirstByteKind = (typeof FIRST_BYTE)[keyof typeof FIRST_BYTE];

/** Last first byte of ChannelData for channel numbers 0x4000 to 0x4FFF (RFC 8656 §12). */
export const CHANNEL_DATA_LAST_BYTE = 0x4f;
/** Last first byte of ChannelData for channel numbers 0x4000 to 0x7FFF (RFC 5766 §11). */
export const CHANNEL_DATA_LAST_BYTE_RFC5766 = 0x7f;

/**
 * Tells STUN, ChannelData and DTLS apart by their first byte.
 *
 * @param byte - 0 to 255.
 * @param lastChannelDataByte - 0x4F by default, or 0x7F to accept the channel numbers of RFC 5766.
 * @see RFC 8656 §12, Table 3, and RFC 7983 §7
 */
export function classifyFirstByte(
  byte: number,
  lastChannelDataByte: number = CHANNEL_DATA_LAST_BYTE,
): FirstByteKind {
  if (byte >= 0x40 && byte <= lastChannelDataByte) return FIRST_BYTE.CHANNEL_DATA;
  if (byte <= 3) return FIRST_BYTE.STUN;
  if (byte >= 20 && byte <= 63) return FIRST_BYTE.DTLS;
  return FIRST_BYTE.OTHER;
}
