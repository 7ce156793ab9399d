import { dePacketizeRtpPackets, type RtpPacket } from 'werift';

/** RFC 6386 §9.1: what follows the frame tag of a key frame. */
const KEYFRAME_START_CODE = Buffer.from([0x9d, 0x01, 0x2a]);

/** Puts VP8 frames together from RTP and counts those of which no packet is missing (RFC 7741). */
export class Vp8FrameCounter {
  /** RTP packets received. */
  packets = 0;
  /** Complete frames, key frames included. */
  frames = 0;
  /** Complete frames that a decoder can start with. */
  keyframes = 0;
  /** Width of the last key frame in pixels. */
  width = 0;
  #frame: RtpPacket[] = [];

  /** Takes the next packet of the stream. */
  take(packet: RtpPacket): void {
    this.packets++;
    if (this.#frame[0]?.header.timestamp !== packet.header.timestamp) this.#frame = [];
    this.#frame.push(packet);
    if (!packet.header.marker) return;
    const frame = this.#frame;
    this.#frame = [];
    if (isComplete(frame)) this.#count(frame);
  }

  #count(packets: RtpPacket[]): void {
    const { data, isKeyframe } = dePacketizeRtpPackets('VP8', packets);
    this.frames++;
    if (!isKeyframe || !data.subarray(3, 6).equals(KEYFRAME_START_CODE)) return;
    this.keyframes++;
    this.width = data.readUInt16LE(6) & 0x3fff;
  }
}

/** True when the packets are consecutive from the start of partition 0 to the marker. */
function isComplete(packets: readonly RtpPacket[]): boolean {
  const [first] = packets;
  const descriptor = first?.payload[0];
  if (first === undefined || descriptor === undefined || (descriptor & 0x17) !== 0x10) return false;
  const { sequenceNumber } = first.header;
  return packets.every(
    (packet, index) => packet.header.sequenceNumber === ((sequenceNumber + index) & 0xffff),
  );
}
