import { paddedLength, putUint32 } from '../stun/big-endian.ts';
import { ATTRIBUTE, HEADER_BYTES, MAGIC_COOKIE } from '../stun/registry.ts';
import { IPV4, type TransportAddress } from '../stun/transport-address.ts';

const DATA_INDICATION_TYPE = 0x0017;
const ATTRIBUTE_HEADER_BYTES = 4;

/** Bytes that must be free in front of a payload: header, XOR-PEER-ADDRESS (IPv6) and the DATA attribute's header. */
export const DATA_INDICATION_HEADROOM_BYTES = 48;

/** Longest payload that fits into a STUN message together with an IPv6 peer address, bytes. */
export const DATA_INDICATION_PAYLOAD_BYTES_MAX = 65_504;

/** Bytes that a Data indication adds to a payload, padding apart. */
export function dataIndicationBytes({ family }: TransportAddress): number {
  return family === IPV4 ? DATA_INDICATION_HEADROOM_BYTES - 12 : DATA_INDICATION_HEADROOM_BYTES;
}

/**
 * Wraps peer data into Data indications in place (RFC 8656 §11.3): the header is written in front of the payload and
 * the padding behind it, so that nothing is copied and nothing is created.
 */
export class DataIndicationWriter {
  readonly #prefix0: number;
  readonly #prefix1: number;
  #counter: number;

  /** `seed` holds 12 random bytes; transaction ids are these with the last four counted up. */
  constructor(seed: Uint8Array) {
    const view = new DataView(seed.buffer, seed.byteOffset, seed.byteLength);
    this.#prefix0 = view.getInt32(0);
    this.#prefix1 = view.getInt32(4);
    this.#counter = view.getInt32(8);
  }

  /**
   * @param bytes - holds the payload, with `DATA_INDICATION_HEADROOM_BYTES` before it and 3 bytes behind it to use.
   * @param payloadLength - at most `DATA_INDICATION_PAYLOAD_BYTES_MAX`; longer data cannot be delivered.
   * @returns the offset at which the indication begins; it ends at `payloadOffset + paddedLength(payloadLength)`.
   */
  wrap(
    bytes: Uint8Array,
    payloadOffset: number,
    payloadLength: number,
    peer: TransportAddress,
  ): number {
    const addressBytes = peer.family === IPV4 ? 8 : 20;
    const start =
      payloadOffset -
      (HEADER_BYTES + ATTRIBUTE_HEADER_BYTES + addressBytes + ATTRIBUTE_HEADER_BYTES);
    const end = payloadOffset + payloadLength;
    const paddedEnd = payloadOffset + paddedLength(payloadLength);
    for (let at = end; at < paddedEnd; at++) bytes[at] = 0;
    putUint32(bytes, start, (DATA_INDICATION_TYPE << 16) | (paddedEnd - start - HEADER_BYTES));
    putUint32(bytes, start + 4, MAGIC_COOKIE);
    putUint32(bytes, start + 8, this.#prefix0);
    putUint32(bytes, start + 12, this.#prefix1);
    this.#counter = (this.#counter + 1) | 0;
    putUint32(bytes, start + 16, this.#counter);
    putUint32(bytes, start + 20, (ATTRIBUTE.XOR_PEER_ADDRESS << 16) | addressBytes);
    putUint32(bytes, start + 24, (peer.family << 16) | (peer.port ^ (MAGIC_COOKIE >>> 16)));
    putUint32(bytes, start + 28, peer.word0 ^ MAGIC_COOKIE);
    if (peer.family !== IPV4) {
      putUint32(bytes, start + 32, peer.word1 ^ this.#prefix0);
      putUint32(bytes, start + 36, peer.word2 ^ this.#prefix1);
      putUint32(bytes, start + 40, peer.word3 ^ this.#counter);
    }
    putUint32(
      bytes,
      payloadOffset - ATTRIBUTE_HEADER_BYTES,
      (ATTRIBUTE.DATA << 16) | payloadLength,
    );
    return start;
  }
}
