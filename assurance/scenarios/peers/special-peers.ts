/** An address that is no peer unless its cluster excepts it. */
export interface SpecialPeer {
  readonly ip: string;
  readonly what: string;
  /** Where it is set apart, or how it is embedded. */
  readonly source: string;
}

const of = (source: string, ...peers: readonly (readonly [ip: string, what: string])[]) =>
  peers.map(([ip, what]): SpecialPeer => ({ ip, what, source }));

/** Addresses that attackers ask relays for. */
export const SPECIAL_PEERS: readonly SpecialPeer[] = [
  ...of(
    'RFC 791 §3.2',
    ['0.0.0.0', 'unspecified: this host on Linux'],
    ['0.0.0.1', 'this network'],
    ['0.255.255.255', 'this network, last'],
  ),
  ...of(
    'RFC 1122 §3.2.1.3',
    ['127.0.0.0', 'loopback, first'],
    ['127.0.0.1', 'loopback'],
    ['127.0.0.53', 'loopback: the stub resolver of systemd'],
    ['127.1.2.3', 'loopback'],
    ['127.255.255.255', 'loopback, last'],
  ),
  ...of(
    'RFC 3927',
    ['169.254.0.1', 'link-local'],
    ['169.254.169.254', 'instance metadata'],
    ['169.254.169.253', 'resolver of AWS'],
    ['169.254.170.2', 'credentials of ECS tasks'],
    ['169.254.255.255', 'link-local, last'],
  ),
  ...of(
    'cloud provider',
    ['168.63.129.16', 'Azure WireServer'],
    ['192.0.0.192', 'Oracle metadata'],
  ),
  ...of('cloud provider', ['100.100.100.200', 'Alibaba metadata']),
  ...of('RFC 7526', ['192.88.99.1', 'anycast of 6to4 relays']),
  ...of(
    'RFC 5771',
    ['224.0.0.1', 'all hosts'],
    ['224.0.0.251', 'multicast DNS'],
    ['232.1.1.1', 'source-specific multicast'],
    ['239.255.255.250', 'SSDP'],
  ),
  ...of('RFC 1112 §4', ['240.0.0.1', 'reserved'], ['255.255.255.254', 'reserved, last']),
  ...of('RFC 919 §7', ['255.255.255.255', 'limited broadcast']),
  ...of('RFC 4291 §2.5.2', ['::', 'unspecified']),
  ...of('RFC 4291 §2.5.3', ['::1', 'loopback']),
  ...of(
    'RFC 4291 §2.5.5.1',
    ['::2', 'compatible'],
    ['::127.0.0.1', 'loopback, compatible'],
    ['::169.254.169.254', 'metadata, compatible'],
    ['::8.8.8.8', 'compatible'],
  ),
  ...of(
    'RFC 4291 §2.5.5.2',
    ['::ffff:0.0.0.0', 'unspecified, mapped'],
    ['::ffff:127.0.0.1', 'loopback, mapped'],
    ['::ffff:169.254.169.254', 'metadata, mapped'],
    ['::ffff:224.0.0.1', 'multicast, mapped'],
    ['::ffff:10.0.0.1', 'private, mapped: never on the wire'],
  ),
  ...of(
    'RFC 2765 §2.1',
    ['::ffff:0:127.0.0.1', 'loopback, SIIT'],
    ['::ffff:0:169.254.169.254', 'metadata, SIIT'],
  ),
  ...of(
    'RFC 6052',
    ['64:ff9b::0.0.0.0', 'unspecified through NAT64'],
    ['64:ff9b::127.0.0.1', 'loopback through NAT64'],
    ['64:ff9b::169.254.169.254', 'metadata through NAT64'],
    ['64:ff9b::255.255.255.255', 'broadcast through NAT64'],
  ),
  ...of(
    'RFC 8215',
    ['64:ff9b:1::127.0.0.1', 'loopback through local NAT64, /96'],
    ['64:ff9b:1:7f00:0:100::', 'loopback through local NAT64, /48'],
    ['64:ff9b:1:127f:0:1::', 'loopback through local NAT64, /56'],
    ['64:ff9b:1:1234:a9:fea9:fe00:0', 'metadata through local NAT64, /64'],
    ['64:ff9b:1::169.254.169.254', 'metadata through local NAT64, /96'],
  ),
  ...of(
    'RFC 8656 §21.4',
    ['2002:7f00:1::1', 'loopback, 6to4'],
    ['2002:a9fe:a9fe::1', 'metadata, 6to4'],
    ['2002:808:808::1', '6to4'],
    ['2001:0:7f00:1::f5ff:fffe', 'Teredo: loopback as server'],
    ['2001:0:cb00:7101::80ff:fffe', 'Teredo: loopback as client'],
    ['2001:0:cb00:7101::5601:5601', 'Teredo: metadata as client'],
  ),
  ...of(
    'RFC 5214 §6.1',
    ['2001:db8::5efe:127.0.0.1', 'loopback, ISATAP'],
    ['fd00::200:5efe:169.254.169.254', 'metadata, ISATAP'],
  ),
  ...of('RFC 4291 §2.5.6', ['fe80::1', 'link-local'], ['febf:ffff::1', 'link-local, last /16']),
  ...of('RFC 3879', ['fec0::1', 'site-local']),
  ...of(
    'RFC 4291 §2.7',
    ['ff01::1', 'interface-local multicast'],
    ['ff02::1', 'all nodes'],
    ['ff02::fb', 'multicast DNS'],
    ['ff0e::1', 'global multicast'],
  ),
  ...of(
    'cloud provider',
    ['fd00:ec2::254', 'AWS metadata'],
    ['fd20:ce::254', 'Google metadata'],
    ['fd00:42::42', 'Scaleway metadata'],
  ),
];
