import { type AddressFamily, IPV6, TransportAddress } from '../stun/transport-address.ts';

/** An address range as plain data: `10.0.0.0` and 8. Bits of the address beyond the prefix are ignored. */
export interface PrefixData {
  /** Text form of an IPv4 or IPv6 address. */
  readonly address: string;
  /** Bits: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly prefixLength: number;
}

/** None; kept, since a new array for every packet would be garbage. */
export const NO_PREFIXES: readonly Prefix[] = [];

/** All addresses of one family that share their first bits (CIDR, RFC 4632, RFC 4291 §2.3). */
export class Prefix {
  readonly family: AddressFamily;
  readonly length: number;
  /** The first address; port 0. Not to be changed. */
  readonly first: TransportAddress;
  readonly #mask: TransportAddress;

  /** @throws RangeError when the text is no address or the length does not suit its family. */
  constructor({ address, prefixLength }: PrefixData) {
    const parsed = TransportAddress.parse(address);
    if (parsed === undefined || !isLengthOf(parsed.family, prefixLength)) {
      throw new RangeError(`not an address range: ${address}/${prefixLength}`);
    }
    this.family = parsed.family;
    this.length = prefixLength;
    this.#mask = prefixMask(parsed.family, prefixLength);
    this.first = parsed;
    this.mask(parsed, parsed);
  }

  /** True when the address is of this family and in this range; ports do not matter. */
  contains(address: TransportAddress): boolean {
    const { first } = this;
    const mask = this.#mask;
    return (
      address.family === this.family &&
      (address.word0 & mask.word0) === first.word0 &&
      (address.word1 & mask.word1) === first.word1 &&
      (address.word2 & mask.word2) === first.word2 &&
      (address.word3 & mask.word3) === first.word3
    );
  }

  /** Writes to `into` the first address of the range of this length that `address`, of the same family, is in. */
  mask(address: TransportAddress, into: TransportAddress): void {
    const mask = this.#mask;
    into.family = address.family;
    into.word0 = address.word0 & mask.word0;
    into.word1 = address.word1 & mask.word1;
    into.word2 = address.word2 & mask.word2;
    into.word3 = address.word3 & mask.word3;
    into.port = 0;
  }

  /** Number of leading bits that the address shares with this range, at most `length`; -1 for the other family. */
  commonBits(address: TransportAddress): number {
    if (address.family !== this.family) return -1;
    const { first } = this;
    let bits = Math.clz32(address.word0 ^ first.word0);
    if (bits === 32) bits += Math.clz32(address.word1 ^ first.word1);
    if (bits === 64) bits += Math.clz32(address.word2 ^ first.word2);
    if (bits === 96) bits += Math.clz32(address.word3 ^ first.word3);
    return Math.min(bits, this.length);
  }

  /** `10.0.0.0/8`, or the address alone when the range is one address. */
  toString(): string {
    const isHost = this.length === bitsOf(this.family);
    return isHost ? this.first.ip() : `${this.first.ip()}/${this.length}`;
  }
}

function isLengthOf(family: AddressFamily, length: number): boolean {
  return Number.isInteger(length) && length >= 0 && length <= bitsOf(family);
}

function bitsOf(family: AddressFamily): number {
  return family === IPV6 ? 128 : 32;
}

function prefixMask(family: AddressFamily, length: number): TransportAddress {
  const mask = new TransportAddress();
  if (family !== IPV6) return mask.setIpv4(wordMask(length), 0);
  return mask.setIpv6(
    wordMask(length),
    wordMask(length - 32),
    wordMask(length - 64),
    wordMask(length - 96),
    0,
  );
}

/** A word with its first `bits` bits set; a shift by 32 would be a shift by 0. */
function wordMask(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}
