import { HEADER_BYTES, padded } from './numbers.ts';

/** Bytes before the payload of ChannelData (RFC 8656 §12.4). */
export const CHANNEL_DATA_HEADER_BYTES = 4;

/** A ChannelData message without padding. */
export function channelData(number: number, payload: Buffer | string): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(CHANNEL_DATA_HEADER_BYTES), Buffer.from(payload)]);
  bytes.writeUInt16BE(number);
  bytes.writeUInt16BE(bytes.length - CHANNEL_DATA_HEADER_BYTES, 2);
  return bytes;
}

/** The same padded to four bytes, as streams need it (RFC 8656 §12.5). */
export function paddedChannelData(number: number, payload: Buffer | string): Buffer {
  const message = channelData(number, payload);
  return Buffer.concat([message], padded(message.length));
}

/** Whether a message is ChannelData rather than STUN. */
export function isChannelData(message: Buffer): boolean {
  return message[0]! >= 0x40 && message[0]! <= 0x7f;
}

/** Bytes of the message that a stream goes on with, padding included; undefined while its header is incomplete. */
export function frameBytes(stream: Buffer): number | undefined {
  if (stream.length < CHANNEL_DATA_HEADER_BYTES) return undefined;
  const length = stream.readUInt16BE(2);
  return isChannelData(stream) ? CHANNEL_DATA_HEADER_BYTES + padded(length) : HEADER_BYTES + length;
}
