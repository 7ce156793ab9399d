import t from 'tap';
import { NAT64_PREFIX_LENGTHS } from '../../src/limits.ts';
import { embeddedIpv4 } from '../../src/route/canonical-address.ts';
import { Prefix } from '../../src/route/prefix.ts';
import { RouteTable } from '../../src/route/route-table.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';

/** RFC 6052 §2.4: 192.0.2.33 under prefixes of every length. */
const VECTORS = [
  ['2001:db8::', 32, '2001:db8:c000:221::'],
  ['2001:db8:100::', 40, '2001:db8:1c0:2:21::'],
  ['2001:db8:122::', 48, '2001:db8:122:c000:2:2100::'],
  ['2001:db8:122:300::', 56, '2001:db8:122:3c0:0:221::'],
  ['2001:db8:122:344::', 64, '2001:db8:122:344:c0:2:2100::'],
  ['2001:db8:122:344::', 96, '2001:db8:122:344::192.0.2.33'],
] as const;
const VECTOR_IPV4 = 0xc0000221 | 0;

const PREFIX = { address: '2001:db8:122:344::', prefixLength: 96 };
const PEERS = [
  ['2001:db8:122:344::127.0.0.1', 80, 'forbiddenPeer'],
  ['2001:db8:122:344::169.254.169.254', undefined, 'forbiddenPeer'],
  ['2001:db8:122:344::224.0.0.1', 80, 'forbiddenPeer'],
  ['2001:db8:122:344::10.0.0.9', 3478, 'ownAddress'],
  ['2001:db8:122:344::10.0.0.9', 3479, 'admitted'],
  ['2001:db8:122:344::10.0.0.8', 3478, 'admitted'],
  ['2001:db8:122:344:0:1:7f00:1', 80, 'admitted'],
] as const;

t.test('the vectors of RFC 6052', (t) => {
  for (const [address, prefixLength, text] of VECTORS) {
    const prefix = new Prefix({ address, prefixLength });
    t.strictSame(embeddedIpv4(parse(text), [prefix]), [VECTOR_IPV4], `/${prefixLength}`);
    t.strictSame(embeddedIpv4(parse(text)), [], `/${prefixLength}: only where it is configured`);
  }
  t.strictSame(
    VECTORS.map(([, length]) => length),
    NAT64_PREFIX_LENGTHS,
    'all lengths',
  );
  t.end();
});

t.test('prefixes may overlap, and an address may stand for several', (t) => {
  const prefixes = VECTORS.map(([address, prefixLength]) => new Prefix({ address, prefixLength }));
  const [, , text] = VECTORS[5];
  t.ok(embeddedIpv4(parse(text), prefixes).includes(VECTOR_IPV4));
  t.equal(embeddedIpv4(parse(text), prefixes).length, 6, 'it lies under all of them');
  const isatap = embeddedIpv4(parse('2001:db8:122:344::5efe:7f00:1'), prefixes);
  t.ok(isatap.includes(0x7f000001), 'ISATAP as well');
  t.end();
});

t.test('what is no peer is none under a prefix of the network', (t) => {
  for (const [text, port, verdict] of PEERS) {
    t.equal(
      table([PREFIX]).admit('open', undefined, parse(text), port),
      verdict,
      `${text} ${port}`,
    );
    t.equal(
      table([]).admit('open', undefined, parse(text), port),
      'admitted',
      `${text} without it`,
    );
  }
  const explained = table([PREFIX]).explain('open', undefined, parse(PEERS[0][0]), 80);
  t.equal(explained.forbidden, 'loopback');
  t.end();
});

function table(nat64Prefixes: readonly (typeof PREFIX)[]): RouteTable {
  return new RouteTable({
    listeners: [{ name: 'open', routes: ['all'] }],
    clusters: [
      {
        name: 'all',
        protocol: 'udp',
        endpoints: [{ address: '::', prefixLength: 0, minPort: 1, maxPort: 65_535 }],
        dangerouslyAllow: [],
      },
    ],
    own: [{ address: '10.0.0.9', ports: [[3478, 3478]] }],
    nat64Prefixes,
  });
}

function parse(text: string): TransportAddress {
  return TransportAddress.parse(text)!;
}
