import { StunWriter } from '../../src/stun/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../src/stun/registry.ts';
import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { CHANNEL_DATA_HEADER_BYTES, writeChannelDataHeader } from '../../src/turn/channel-data.ts';
import { PAYLOAD_BYTES } from '../settings.ts';
import type { Framing } from './protocol.ts';
import { CHANNEL } from './turn-clients.ts';

/** What goes in front of `PAYLOAD_BYTES` of data for `peer`; the same for every packet of every client. */
export function header(framing: Framing, peer: TransportAddress): Uint8Array {
  return framing === 'channelData' ? channelDataHeader() : sendIndicationHeader(peer);
}

function channelDataHeader(): Uint8Array {
  const bytes = new Uint8Array(CHANNEL_DATA_HEADER_BYTES);
  writeChannelDataHeader(bytes, 0, CHANNEL, PAYLOAD_BYTES);
  return bytes;
}

function sendIndicationHeader(peer: TransportAddress): Uint8Array {
  const bytes = new Uint8Array(PAYLOAD_BYTES + 64);
  const writer = new StunWriter(bytes);
  const payloadOffset = writer
    .begin(METHOD.SEND, CLASS.INDICATION, new Uint8Array(12))
    .xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer)
    .reserve(ATTRIBUTE.DATA, PAYLOAD_BYTES);
  return bytes.subarray(0, payloadOffset);
}
