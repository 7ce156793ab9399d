import { paddedLength } from '../../stun/big-endian.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import { ChannelBinding } from '../../turn/channel-binding.ts';
import { CHANNEL_DATA_HEADER_BYTES, writeChannelDataHeader } from '../../turn/channel-data.ts';
import {
  DATA_INDICATION_HEADROOM_BYTES,
  DATA_INDICATION_PAYLOAD_BYTES_MAX,
  type DataIndicationWriter,
} from '../../turn/data-indication.ts';
import type { Permission } from '../../turn/permission.ts';

/**
 * Frames what a peer sent for its client: as ChannelData, or as a Data indication where no channel is bound.
 *
 * @param payload - borrowed; the frame is a copy.
 * @param isStream - pads ChannelData as streams want it (RFC 8656 §12.5).
 * @returns the frame, owned by the caller; undefined when the payload is too long for an indication.
 */
export function frameForClient(
  under: ChannelBinding | Permission,
  indication: DataIndicationWriter,
  payload: Uint8Array,
  peer: TransportAddress,
  isStream: boolean,
): Uint8Array | undefined {
  const { length } = payload;
  if (under instanceof ChannelBinding) {
    const frame = new Uint8Array(
      CHANNEL_DATA_HEADER_BYTES + (isStream ? paddedLength(length) : length),
    );
    writeChannelDataHeader(frame, 0, under.channelNumber, length);
    frame.set(payload, CHANNEL_DATA_HEADER_BYTES);
    return frame;
  }
  if (length > DATA_INDICATION_PAYLOAD_BYTES_MAX) return undefined;
  const bytes = new Uint8Array(DATA_INDICATION_HEADROOM_BYTES + paddedLength(length));
  bytes.set(payload, DATA_INDICATION_HEADROOM_BYTES);
  return bytes.subarray(indication.wrap(bytes, DATA_INDICATION_HEADROOM_BYTES, length, peer));
}
