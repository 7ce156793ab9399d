import { putUint16 } from '../stun/big-endian.ts';

/** Bytes in front of the application data: channel number and length (RFC 8656 §12.4). */
export const CHANNEL_DATA_HEADER_BYTES = 4;
/** First channel number (RFC 8656 §12). */
export const CHANNEL_NUMBER_MIN = 0x4000;
/** Last channel number of RFC 8656 §12. */
export const CHANNEL_NUMBER_MAX = 0x4fff;
/** Last channel number of RFC 5766 §11, which older clients still use. */
export const CHANNEL_NUMBER_MAX_RFC5766 = 0x7ffe;

/** Writes a ChannelData header at `offset` (RFC 8656 §12.4). */
export function writeChannelDataHeader(
  bytes: Uint8Array,
  offset: number,
  channelNumber: number,
  length: number,
): void {
  putUint16(bytes, offset, channelNumber);
  putUint16(bytes, offset + 2, length);
}
