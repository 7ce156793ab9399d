import { int32At, paddedLength, uint16At } from '../../src/stun/big-endian.ts';
import { encodeMessageType } from '../../src/stun/message-type.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { ATTRIBUTE, CLASS, HEADER_BYTES, METHOD } from '../../src/stun/registry.ts';
import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { CHANNEL_DATA_HEADER_BYTES, writeChannelDataHeader } from '../../src/turn/channel-data.ts';
import type { Framing } from './protocol.ts';
import { CHANNEL } from './turn-clients.ts';

const SEND_INDICATION_BYTES_MAX = 64;
const DATA_INDICATION_TYPE = encodeMessageType(METHOD.DATA, CLASS.INDICATION);
const ATTRIBUTE_HEADER_BYTES = 4;

/** What goes in front of `payloadBytes` of data for `peer`; the same for every packet of every client. */
export function header(framing: Framing, peer: TransportAddress, payloadBytes: number): Uint8Array {
  return framing === 'channelData'
    ? channelDataHeader(payloadBytes)
    : sendIndicationHeader(peer, payloadBytes);
}

/**
 * Finds the application data in a message from the server.
 *
 * @returns its offset from the beginning of the message, or -1 when this is another kind of message.
 */
export function findPayload(
  framing: Framing,
  bytes: Uint8Array,
  offset: number,
  length: number,
): number {
  if (framing === 'sendIndication') return findIndicatedData(bytes, offset, length);
  const isChannelData = length >= CHANNEL_DATA_HEADER_BYTES && uint16At(bytes, offset) === CHANNEL;
  return isChannelData ? CHANNEL_DATA_HEADER_BYTES : -1;
}

function channelDataHeader(payloadBytes: number): Uint8Array {
  const bytes = new Uint8Array(CHANNEL_DATA_HEADER_BYTES);
  writeChannelDataHeader(bytes, 0, CHANNEL, payloadBytes);
  return bytes;
}

function sendIndicationHeader(peer: TransportAddress, payloadBytes: number): Uint8Array {
  const bytes = new Uint8Array(payloadBytes + SEND_INDICATION_BYTES_MAX);
  const writer = new StunWriter(bytes);
  const payloadOffset = writer
    .begin(METHOD.SEND, CLASS.INDICATION, new Uint8Array(12))
    .xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer)
    .reserve(ATTRIBUTE.DATA, payloadBytes);
  return bytes.subarray(0, payloadOffset);
}

/** Looks at the headers of attributes only: the payload names the run, so nothing else can be mistaken for it. */
function findIndicatedData(bytes: Uint8Array, offset: number, length: number): number {
  if (length < HEADER_BYTES || uint16At(bytes, offset) !== DATA_INDICATION_TYPE) return -1;
  let at = HEADER_BYTES;
  while (at + ATTRIBUTE_HEADER_BYTES <= length) {
    const typeAndLength = int32At(bytes, offset + at);
    at += ATTRIBUTE_HEADER_BYTES;
    if (typeAndLength >>> 16 === ATTRIBUTE.DATA) return at;
    at += paddedLength(typeAndLength & 0xffff);
  }
  return -1;
}
