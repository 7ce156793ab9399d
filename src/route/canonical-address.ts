import { IPV6, type TransportAddress } from '../stun/transport-address.ts';
import { nat64Ipv4 } from './nat64-layouts.ts';
import { NO_PREFIXES, type Prefix } from './prefix.ts';

const NONE: readonly number[] = [];

/** Lengths of prefixes that fit into 64:ff9b:1::/48, which does not say which of them it is. */
const LOCAL_NAT64_LENGTHS = [48, 56, 64, 96] as const;

/**
 * Finds every IPv4 address that an IPv6 address may stand for, so that no peer is reached under another name.
 *
 * @param address - borrowed; an IPv4 address stands for none.
 * @param nat64Prefixes - of the network's own; their lengths are among `NAT64_PREFIX_LENGTHS`.
 * @returns IPv4 addresses as signed 32-bit words in network order; several where the layout is ambiguous. The array
 *   must not be changed.
 * @see RFC 4291 §2.5.5 (compatible, mapped), RFC 2765 §2.1 (SIIT), RFC 6052 §2 (NAT64), RFC 8215 (local NAT64),
 *   RFC 3056 §2 (6to4), RFC 4380 §4 (Teredo), RFC 5214 §6.1 (ISATAP)
 */
export function embeddedIpv4(
  address: TransportAddress,
  nat64Prefixes: readonly Prefix[] = NO_PREFIXES,
): readonly number[] {
  if (address.family !== IPV6) return NONE;
  let found = embeddedByPrefix(address);
  for (const prefix of nat64Prefixes) {
    if (prefix.contains(address)) found = [...found, nat64Ipv4(address, prefix.length)];
  }
  return isIsatap(address) ? [...found, address.word3] : found;
}

function embeddedByPrefix(address: TransportAddress): readonly number[] {
  const { word0, word1, word2, word3 } = address;
  if (word0 === 0 && word1 === 0 && isLowHalfEmbedding(word2)) return [word3];
  if (word0 === 0x0064ff9b && word1 === 0 && word2 === 0) return [word3];
  if (word0 === 0x0064ff9b && word1 >>> 16 === 1) return localNat64Ipv4(address);
  if (word0 >>> 16 === 0x2002) return [(word0 << 16) | (word1 >>> 16)];
  if (word0 === 0x20010000) return [word1, ~word3];
  return NONE;
}

/** Compatible `::a.b.c.d`, mapped `::ffff:a.b.c.d` and SIIT `::ffff:0:a.b.c.d` differ in the third word only. */
function isLowHalfEmbedding(word2: number): boolean {
  return word2 === 0 || word2 === 0x0000ffff || word2 === (0xffff0000 | 0);
}

/** The interface identifier is `[02]00:5efe:a.b.c.d`, below any prefix. */
function isIsatap({ word2 }: TransportAddress): boolean {
  return (word2 & ~0x02000000) === 0x00005efe;
}

/** All that an address in 64:ff9b:1::/48 may stand for. */
function localNat64Ipv4(address: TransportAddress): readonly number[] {
  const layouts = LOCAL_NAT64_LENGTHS.map((length) => nat64Ipv4(address, length));
  // Read in the wrong layout nearly every address begins with the zeros of its prefix; only when no layout gives more
  // than that does the address really stand for one in 0.0.0.0/8.
  const plausible = layouts.filter((ipv4) => ipv4 >>> 24 !== 0);
  return plausible.length > 0 ? plausible : layouts;
}
