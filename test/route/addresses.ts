import * as fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import t from 'tap';
import { embeddedIpv4 } from '../../src/route/canonical-address.ts';
import { forbiddenCategory } from '../../src/route/forbidden-peers.ts';
import { PortRanges } from '../../src/route/port-ranges.ts';
import { Prefix } from '../../src/route/prefix.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { EMBEDDINGS, type Bytes4 } from '../support/ipv4-embeddings.ts';
import { OPEN_ROUTES } from '../support/open-route-table.ts';

const SPECIAL_PURPOSE: Record<string, readonly string[]> = {
  unspecified: ['0.0.0.0', '::'],
  thisNetwork: ['0.0.0.1', '0.1.2.3', '0.255.255.255'],
  loopback: ['127.0.0.0', '127.0.0.1', '127.0.0.53', '127.1.2.3', '127.255.255.255', '::1'],
  linkLocal: ['169.254.0.0', '169.254.1.1', '169.254.170.2', '169.254.255.255'].concat([
    'fe80::',
    'fe80::1',
    'fe80::ffff:ffff:ffff:ffff',
    'febf:ffff::1',
  ]),
  siteLocal: ['fec0::', 'fec0::1', 'feff:ffff::1'],
  multicast: ['224.0.0.0', '224.0.0.1', '224.0.0.251', '232.1.1.1', '239.255.255.255'].concat([
    'ff00::',
    'ff01::1',
    'ff02::1',
    'ff02::fb',
    'ff05::2',
    'ff0e::1',
    'ffff::1',
  ]),
  reserved: ['240.0.0.0', '240.0.0.1', '250.1.2.3', '255.0.0.0', '255.255.255.254'],
  broadcast: ['255.255.255.255'],
  metadata: ['169.254.169.254', '168.63.129.16', '192.0.0.192', '100.100.100.200'].concat([
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    'fd00:42::42',
  ]),
  sixToFour: ['192.88.99.1', '2002::', '2002:808:808::1', '2002:a00:1::a00:1', '2002:ffff::1'],
  teredo: ['2001::', '2001::1', '2001:0:808:808::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff'],
  ipv4InIpv6: ['::2', '::808:808', '::10.0.0.1', '::ffff:8.8.8.8', '::ffff:10.0.0.1'].concat([
    '::ffff:0:8.8.8.8',
    '::ffff:0:10.0.0.1',
  ]),
};

const ORDINARY = ['10.0.0.0', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.1.1']
  .concat(['100.64.0.1', '100.100.100.201', '8.8.8.8', '1.0.0.0', '126.255.255.255', '128.0.0.1'])
  .concat(['169.253.255.255', '169.255.0.0', '168.63.129.15', '168.63.129.17', '192.0.0.193'])
  .concat(['192.88.98.255', '192.88.100.0', '203.0.113.7', '198.51.100.1', '223.255.255.255'])
  .concat(['fc00::1', 'fd00::1', 'fd00:ec1::254', 'fd00:ec3::254', 'fd20:ce::253', '2001:1::1'])
  .concat(['2001:db8::1', '2003::1', '2606:4700::1', 'fdff::1', 'fe00::1', 'fe7f:ffff::1'])
  .concat(['64:ff9b::8.8.8.8', '64:ff9b::10.0.0.5', '64:ff9b:1::10.0.0.5', '64:ff9b:2::127.0.0.1'])
  .concat(['2001:db8::5efe:10.0.0.5', '2001:db8::5eff:7f00:1', '64:ff9b:1:a00:0:500::', 'feb::1']);

const DANGEROUS_IPV4: readonly Bytes4[] = [
  [127, 0, 0, 1],
  [127, 255, 255, 254],
  [169, 254, 169, 254],
  [168, 63, 129, 16],
  [192, 0, 0, 192],
  [224, 0, 0, 1],
  [255, 255, 255, 255],
];

t.test('special-purpose addresses are no peers, whatever the routes say', (t) => {
  let count = 0;
  for (const [category, addresses] of Object.entries(SPECIAL_PURPOSE)) {
    for (const text of addresses) {
      const address = parse(text);
      t.equal(forbiddenCategory(address), category, text);
      t.equal(OPEN_ROUTES.admit('open', undefined, address, 5000), 'forbiddenPeer', text);
      t.equal(OPEN_ROUTES.admit('open', undefined, address, undefined), 'forbiddenPeer', text);
      count++;
    }
  }
  t.ok(count >= 55, `${count} addresses`);
  t.end();
});

t.test('addresses next to special-purpose ones are ordinary', (t) => {
  for (const text of ORDINARY) {
    t.equal(forbiddenCategory(parse(text)), undefined, text);
    t.equal(OPEN_ROUTES.admit('open', undefined, parse(text), 5000), 'admitted', text);
  }
  t.end();
});

t.test('no embedding smuggles a dangerous address', (t) => {
  for (const ipv4 of DANGEROUS_IPV4) {
    for (const [name, embed] of Object.entries(EMBEDDINGS)) {
      const text = embed(ipv4);
      const verdict = OPEN_ROUTES.admit('open', undefined, parse(text), 80);
      t.equal(verdict, 'forbiddenPeer', `${ipv4.join('.')} as ${name}: ${text}`);
    }
  }
  t.end();
});

const ipv4Bytes = fc.tuple(octet(), octet(), octet(), octet());

t.test('every embedding is seen through', (t) => {
  const kind = fc.constantFrom(...Object.keys(EMBEDDINGS));
  fc.assert(
    fc.property(ipv4Bytes, kind, (ipv4, name) => {
      const text = EMBEDDINGS[name]?.(ipv4) ?? '';
      const word = parse(ipv4.join('.')).word0;
      // Below 1.0.0.0 the layouts of local NAT64 cannot be told apart.
      const isAmbiguous = ipv4[0] === 0 && name.startsWith('local');
      return isAmbiguous || embeddedIpv4(parse(text)).includes(word);
    }),
    { numRuns: 10_000 },
  );
  fc.assert(
    fc.property(ipv4Bytes, kind, (ipv4, name) => {
      const inner = forbiddenCategory(parse(ipv4.join('.')));
      const outer = forbiddenCategory(parse(EMBEDDINGS[name]?.(ipv4) ?? ''));
      if (ipv4[0] === 0 && name.startsWith('local')) return true;
      return inner === undefined || outer !== undefined;
    }),
    { numRuns: 10_000 },
  );
  fc.assert(
    fc.property(ipv4Bytes, fc.constantFrom('nat64', 'ISATAP'), (ipv4, name) => {
      const inner = forbiddenCategory(parse(ipv4.join('.')));
      return forbiddenCategory(parse(EMBEDDINGS[name]?.(ipv4) ?? '')) === inner;
    }),
    { numRuns: 10_000 },
  );
  t.pass('30000 embedded addresses');
  t.strictSame(embeddedIpv4(parse('127.0.0.1')), [], 'IPv4 embeds nothing');
  t.strictSame(embeddedIpv4(parse('2001:db8::7f00:1')), []);
  t.strictSame(embeddedIpv4(parse('64:ff9b:1::0.0.0.0')), [0, 0, 0, 0], 'nothing but zeros');
  t.strictSame(
    embeddedIpv4(parse('2002:a00:1::5efe:7f00:1')),
    [0x0a000001, 0x7f000001],
    '6to4 prefix above an ISATAP identifier',
  );
  t.end();
});

t.test('the deny list agrees with the ranges of ipaddr.js', (t) => {
  const denied4 = new Set(['unspecified', 'broadcast', 'multicast', 'linkLocal', 'loopback']);
  const extra4 = ['192.88.99.0/24', '240.0.0.0/4', '168.63.129.16/32', '192.0.0.192/32']
    .concat('100.100.100.200/32')
    .map((cidr) => ipaddr.IPv4.parseCIDR(cidr));
  fc.assert(
    fc.property(ipv4Bytes, (bytes) => {
      const address = ipaddr.IPv4.parse(bytes.join('.'));
      const expected = denied4.has(address.range()) || extra4.some((range) => address.match(range));
      return (forbiddenCategory(parse(bytes.join('.'))) !== undefined) === expected;
    }),
    { numRuns: 20_000 },
  );

  const denied6 = new Set(['unspecified', 'linkLocal', 'multicast', 'loopback', 'ipv4Mapped'])
    .add('6to4')
    .add('teredo');
  const extra6 = ['::/96', '::ffff:0:0:0/96', 'fec0::/10', 'fd00:ec2::/32', 'fd20:ce::254/128']
    .concat('fd00:42::42/128')
    .map((cidr) => ipaddr.IPv6.parseCIDR(cidr));
  const interesting = fc.constantFrom(0, 1, 0xffff, 0x64, 0x2001, 0x2002, 0xfd00, 0xec2, 0xfe80);
  const group = fc.oneof(interesting, fc.integer({ min: 0, max: 0xffff }));
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const address = new ipaddr.IPv6(groups);
      const text = address.toNormalizedString();
      if (embeddedIpv4(parse(text)).length > 0 && !/^(0|2001:0|2002):/.test(text)) return true;
      const expected = denied6.has(address.range()) || extra6.some((range) => address.match(range));
      return (forbiddenCategory(parse(text)) !== undefined) === expected;
    }),
    { numRuns: 20_000 },
  );
  t.pass('40000 addresses');
  t.end();
});

t.test('prefixes agree with big integers', (t) => {
  const bits = fc.constantFrom(32, 128);
  const question = bits.chain((size) =>
    fc.record({
      size: fc.constant(size),
      base: fc.bigInt(0n, (1n << BigInt(size)) - 1n),
      length: fc.integer({ min: 0, max: size }),
      // Addresses that differ from the base in one bit: near the edge of the prefix it matters most.
      flips: fc.array(fc.integer({ min: 0, max: size - 1 }), { minLength: 90, maxLength: 90 }),
      others: fc.array(fc.bigInt(0n, (1n << BigInt(size)) - 1n), { minLength: 10, maxLength: 10 }),
    }),
  );
  let cases = 0;
  fc.assert(
    fc.property(question, ({ size, base, length, flips, others }) => {
      const prefix = new Prefix({ address: toText(base, size), prefixLength: length });
      const flipped = flips.map((bit) => base ^ (1n << BigInt(bit)));
      const shift = BigInt(size - length);
      const masked = new TransportAddress();
      for (const value of [base, ...flipped, ...others]) {
        const address = parse(toText(value, size));
        const isInside = value >> shift === base >> shift;
        const difference = value ^ base;
        const shared = difference === 0n ? size : size - difference.toString(2).length;
        prefix.mask(address, masked);
        cases++;
        if (prefix.contains(address) !== isInside) return false;
        if (prefix.commonBits(address) !== Math.min(shared, length)) return false;
        if (!masked.equals(parse(toText((value >> shift) << shift, size)))) return false;
      }
      return true;
    }),
    { numRuns: 1000 },
  );
  t.ok(cases >= 100_000, `${cases} cases`);
  t.end();
});

t.test('prefixes', (t) => {
  const rows: [address: string, length: number, text: string][] = [
    ['10.1.2.3', 8, '10.0.0.0/8'],
    ['10.1.2.3', 32, '10.1.2.3'],
    ['255.255.255.255', 0, '0.0.0.0/0'],
    ['fd00::1', 64, 'fd00::/64'],
    ['fd00::1', 128, 'fd00::1'],
  ];
  for (const [address, prefixLength, text] of rows) {
    t.equal(new Prefix({ address, prefixLength }).toString(), text);
  }
  const all = new Prefix({ address: '0.0.0.0', prefixLength: 0 });
  t.equal(all.contains(parse('::')), false, 'families do not mix');
  t.equal(all.commonBits(parse('::')), -1);
  for (const [address, prefixLength] of [
    ['10.0.0.0', 33],
    ['10.0.0.0', -1],
    ['10.0.0.0', 8.5],
    ['10.0.0.0', NaN],
    ['::', 129],
    ['10.0.0', 8],
    ['010.0.0.1', 8],
    ['fe80::1%eth0', 64],
    ['media.internal', 32],
  ] as const) {
    t.throws(() => new Prefix({ address, prefixLength }), RangeError, `${address}/${prefixLength}`);
  }
  t.end();
});

t.test('port ranges', (t) => {
  const port = fc.integer({ min: 0, max: 65_535 });
  const range = fc.tuple(port, port).map(([a, b]): [number, number] => (a < b ? [a, b] : [b, a]));
  fc.assert(
    fc.property(
      fc.array(range, { maxLength: 12 }),
      fc.array(port, { minLength: 20 }),
      (list, ports) => {
        const ranges = new PortRanges(list);
        const edges = list.flatMap(([min, max]) => [min - 1, min, max, max + 1]);
        return [...ports, ...edges, 0, 65_536].every((candidate) => {
          const expected = list.some(([min, max]) => candidate >= min && candidate <= max);
          return ranges.has(candidate) === (expected && candidate !== 0);
        });
      },
    ),
    { numRuns: 2000 },
  );
  const everyPort = new PortRanges([[0, 65_535]]);
  for (const candidate of [0, -1, 65_536, NaN, Infinity, -Infinity]) {
    t.equal(everyPort.has(candidate), false, `${candidate} is no port`);
  }
  t.equal(new PortRanges([[0, 0]]).has(0), false);
  for (const bad of [
    [2, 1],
    [1, 65_536],
    [-1, 5],
    [1.5, 5],
    [NaN, NaN],
  ] as const) {
    t.throws(() => new PortRanges([bad]), RangeError, bad.join('-'));
  }
  t.end();
});

function parse(text: string): TransportAddress {
  const address = TransportAddress.parse(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}

function toText(value: bigint, size: number): string {
  const bytes = Array.from({ length: size / 8 }, (_, index) =>
    Number((value >> BigInt(size - 8 - index * 8)) & 0xffn),
  );
  return ipaddr.fromByteArray(bytes).toString();
}

function octet(): fc.Arbitrary<number> {
  return fc.oneof(
    fc.constantFrom(0, 1, 127, 168, 169, 192, 254, 255),
    fc.integer({ min: 0, max: 255 }),
  );
}
