import type { TransportAddress } from '../stun/transport-address.ts';

/** Reads the IPv4 address out of an IPv6 address; a signed word in network order. */
type ReadIpv4 = (address: TransportAddress) => number;

/**
 * Where the IPv4 address stands, by length of the prefix (RFC 6052 §2.2); byte 8 is always left out:
 *
 *     /32      4 5 6 7
 *     /40        5 6 7   9
 *     /48          6 7   9 10
 *     /56            7   9 10 11
 *     /64                9 10 11 12
 *     /96                           12 13 14 15
 */
const READ_BY_LENGTH: Readonly<Record<number, ReadIpv4>> = {
  32: ({ word1 }) => word1,
  40: ({ word1, word2 }) => (word1 << 8) | ((word2 >>> 16) & 0xff),
  48: ({ word1, word2 }) => (word1 << 16) | ((word2 >>> 8) & 0xffff),
  56: ({ word1, word2 }) => (word1 << 24) | (word2 & 0xffffff),
  64: ({ word2, word3 }) => (word2 << 8) | (word3 >>> 24),
  96: ({ word3 }) => word3,
};

/**
 * The IPv4 address that an IPv6 address stands for under a prefix of this length; a signed word in network order.
 *
 * @param length - one of `NAT64_PREFIX_LENGTHS`.
 */
export function nat64Ipv4(address: TransportAddress, length: number): number {
  return READ_BY_LENGTH[length]!(address);
}
