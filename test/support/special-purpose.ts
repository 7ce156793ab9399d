/** An address range that a registry or a standard sets apart. */
export interface SpecialPurpose {
  /** As `address/length`. */
  readonly range: string;
  /** Where it is set apart. */
  readonly source: string;
  /** False when it is no peer whatever the routes say. */
  readonly isPeer: boolean;
}

const never = (range: string, source: string): SpecialPurpose => ({ range, source, isPeer: false });
const routed = (range: string, source: string): SpecialPurpose => ({ range, source, isPeer: true });

/**
 * The special-purpose address registries (RFC 6890, RFC 8190), multicast, and where clouds serve instance metadata.
 *
 * Written from the registries, not from the deny list of the product: tests compare the two.
 */
export const SPECIAL_PURPOSES: readonly SpecialPurpose[] = [
  never('0.0.0.0/8', 'RFC 791 §3.2'),
  never('127.0.0.0/8', 'RFC 1122 §3.2.1.3'),
  never('169.254.0.0/16', 'RFC 3927'),
  never('192.88.99.0/24', 'RFC 7526'),
  never('224.0.0.0/4', 'RFC 5771'),
  never('240.0.0.0/4', 'RFC 1112 §4'),
  never('255.255.255.255/32', 'RFC 919 §7'),
  never('168.63.129.16/32', 'Azure WireServer'),
  never('192.0.0.192/32', 'Oracle Cloud metadata'),
  never('100.100.100.200/32', 'Alibaba Cloud metadata'),
  routed('10.0.0.0/8', 'RFC 1918'),
  routed('100.64.0.0/10', 'RFC 6598'),
  routed('172.16.0.0/12', 'RFC 1918'),
  routed('192.0.0.0/24', 'RFC 6890'),
  routed('192.0.2.0/24', 'RFC 5737'),
  routed('192.31.196.0/24', 'RFC 7535'),
  routed('192.52.193.0/24', 'RFC 7450'),
  routed('192.168.0.0/16', 'RFC 1918'),
  routed('192.175.48.0/24', 'RFC 7534'),
  routed('198.18.0.0/15', 'RFC 2544'),
  routed('198.51.100.0/24', 'RFC 5737'),
  routed('203.0.113.0/24', 'RFC 5737'),
  never('::/128', 'RFC 4291 §2.5.2'),
  never('::1/128', 'RFC 4291 §2.5.3'),
  never('::/96', 'RFC 4291 §2.5.5.1'),
  never('::ffff:0:0/96', 'RFC 4291 §2.5.5.2'),
  never('::ffff:0:0:0/96', 'RFC 2765 §2.1'),
  never('2001::/32', 'RFC 4380'),
  never('2002::/16', 'RFC 3056'),
  never('fe80::/10', 'RFC 4291 §2.5.6'),
  never('fec0::/10', 'RFC 3879'),
  never('ff00::/8', 'RFC 4291 §2.7'),
  never('fd00:ec2::/32', 'AWS metadata and services'),
  never('fd20:ce::254/128', 'Google Cloud metadata'),
  never('fd00:42::42/128', 'Scaleway metadata'),
  routed('64:ff9b::/96', 'RFC 6052'),
  routed('64:ff9b:1::/48', 'RFC 8215'),
  routed('100::/64', 'RFC 6666'),
  routed('2001:1::1/128', 'RFC 7723'),
  routed('2001:2::/48', 'RFC 5180'),
  routed('2001:3::/32', 'RFC 7450'),
  routed('2001:4:112::/48', 'RFC 7535'),
  routed('2001:20::/28', 'RFC 7343'),
  routed('2001:db8::/32', 'RFC 3849'),
  routed('2620:4f:8000::/48', 'RFC 7534'),
  routed('3fff::/20', 'RFC 9637'),
  routed('5f00::/16', 'RFC 9602'),
  routed('fc00::/7', 'RFC 4193'),
];
