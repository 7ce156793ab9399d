import { TransportAddress } from '../../stun/transport-address.ts';
import { becomePlainIpv4, isMappedIpv4 } from './mapped-address.ts';

/** Address ranges whose hosts are believed; IPv4-mapped IPv6 addresses count as the IPv4 addresses they stand for. */
export class TrustedPrefixes {
  readonly #prefixes: readonly TrustedPrefix[];

  /** @throws TypeError when a text is no address. */
  constructor(ranges: readonly { readonly address: string; readonly prefixLength: number }[]) {
    this.#prefixes = ranges.map(({ address, prefixLength }) => prefixOf(address, prefixLength));
  }

  /** True when the address (borrowed) is in one of the ranges; ports do not matter. */
  contains(address: TransportAddress): boolean {
    becomePlainIpv4(PLAIN.copyFrom(address));
    for (const { first, length } of this.#prefixes) if (isWithin(PLAIN, first, length)) return true;
    return false;
  }
}

interface TrustedPrefix {
  readonly first: TransportAddress;
  /** Bits. */
  readonly length: number;
}

const MAPPED_BITS = 96;
const PLAIN = new TransportAddress();

function prefixOf(text: string, length: number): TrustedPrefix {
  const first = TransportAddress.parse(text);
  if (first === undefined) throw new TypeError(`not an IP address: ${text}`);
  if (!isMappedIpv4(first) || length < MAPPED_BITS) return { first, length };
  becomePlainIpv4(first);
  return { first, length: length - MAPPED_BITS };
}

function isWithin(address: TransportAddress, first: TransportAddress, length: number): boolean {
  return (
    address.family === first.family &&
    isSame(address.word0, first.word0, length) &&
    isSame(address.word1, first.word1, length - 32) &&
    isSame(address.word2, first.word2, length - 64) &&
    isSame(address.word3, first.word3, length - 96)
  );
}

/** True when the first `bits` bits of both words are the same; more than 32 count as 32, less than 0 as 0. */
function isSame(a: number, b: number, bits: number): boolean {
  return Math.clz32(a ^ b) >= Math.min(bits, 32);
}
