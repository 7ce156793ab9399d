import { TransportAddress } from '../stun/transport-address.ts';
import { embeddedIpv4 } from './canonical-address.ts';
import { NO_PREFIXES, Prefix } from './prefix.ts';

/** Why an address may never be a peer, unless a cluster makes an exact exception. */
export type ForbiddenCategory =
  | 'unspecified'
  | 'thisNetwork'
  | 'loopback'
  | 'linkLocal'
  | 'siteLocal'
  | 'multicast'
  | 'broadcast'
  | 'reserved'
  | 'metadata'
  | 'sixToFour'
  | 'teredo'
  /** IPv4 written as IPv6 in a form that never is on the wire. */
  | 'ipv4InIpv6';

/**
 * The hard deny list; of several ranges that contain an address the first names the category.
 *
 * Private ranges (10.0.0.0/8, fc00::/7, …) are absent because that is where backends live.
 */
const FORBIDDEN_RANGES: readonly (readonly [string, number, ForbiddenCategory])[] = [
  // Instance metadata and credentials: AWS and most others, Azure, Oracle, Alibaba; over IPv6 AWS, Google, Scaleway.
  ['169.254.169.254', 32, 'metadata'],
  ['168.63.129.16', 32, 'metadata'],
  ['192.0.0.192', 32, 'metadata'],
  ['100.100.100.200', 32, 'metadata'],
  ['fd00:ec2::', 32, 'metadata'],
  ['fd20:ce::254', 128, 'metadata'],
  ['fd00:42::42', 128, 'metadata'],
  ['0.0.0.0', 32, 'unspecified'],
  ['0.0.0.0', 8, 'thisNetwork'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'linkLocal'],
  ['192.88.99.0', 24, 'sixToFour'],
  ['224.0.0.0', 4, 'multicast'],
  ['255.255.255.255', 32, 'broadcast'],
  ['240.0.0.0', 4, 'reserved'],
  ['::', 128, 'unspecified'],
  ['::1', 128, 'loopback'],
  ['::', 96, 'ipv4InIpv6'],
  ['::ffff:0:0', 96, 'ipv4InIpv6'],
  ['::ffff:0:0:0', 96, 'ipv4InIpv6'],
  // RFC 8656 §21.4: a TURN server must not accept Teredo or 6to4 addresses.
  ['2001::', 32, 'teredo'],
  ['2002::', 16, 'sixToFour'],
  ['fe80::', 10, 'linkLocal'],
  ['fec0::', 10, 'siteLocal'],
  ['ff00::', 8, 'multicast'],
];

const FORBIDDEN = FORBIDDEN_RANGES.map(([address, prefixLength, category]) => ({
  prefix: new Prefix({ address, prefixLength }),
  category,
}));

const scratch = new TransportAddress();

/**
 * Says why an address is on the hard deny list, itself or by an IPv4 address that it embeds.
 *
 * @param address - borrowed; the port does not matter.
 * @param nat64Prefixes - see `embeddedIpv4`.
 * @returns undefined for an address that routes alone decide about.
 */
export function forbiddenCategory(
  address: TransportAddress,
  nat64Prefixes: readonly Prefix[] = NO_PREFIXES,
): ForbiddenCategory | undefined {
  const category = listedCategory(address);
  if (category !== undefined) return category;
  for (const ipv4 of embeddedIpv4(address, nat64Prefixes)) {
    const embedded = listedCategory(scratch.setIpv4(ipv4, 0));
    if (embedded !== undefined) return embedded;
  }
  return undefined;
}

function listedCategory(address: TransportAddress): ForbiddenCategory | undefined {
  for (const { prefix, category } of FORBIDDEN) {
    if (prefix.contains(address)) return category;
  }
  return undefined;
}
