import { isIPv4, isIPv6 } from 'node:net';
import * as fc from 'fast-check';
import t from 'tap';
import { IPV4, IPV6, TransportAddress } from '../../src/stun/transport-address.ts';

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const port = fc.integer({ min: 0, max: 0xffff });
const anyAddress = fc.oneof(
  fc.tuple(word, port).map(([w, p]) => new TransportAddress().setIpv4(w, p)),
  fc
    .tuple(word, word, word, word, port)
    .map(([a, b, c, d, p]) => new TransportAddress().setIpv6(a, b, c, d, p)),
);

t.test('text form', (t) => {
  const cases: [string, string][] = [
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['192.0.2.1', '192.0.2.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8::0001', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ];
  for (const [text, canonical] of cases) {
    const address = TransportAddress.parse(text, 3478);
    t.equal(address?.ip(), canonical);
    const bracketed = canonical.includes(':') ? `[${canonical}]` : canonical;
    t.equal(String(address), `${bracketed}:3478`);
  }
  const ipv6 = TransportAddress.parse('2001:db8::ff00:1', 1);
  t.same(ipv6?.ipBytes(), [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 1]);
  t.same(TransportAddress.parse('250.1.2.3')?.ipBytes(), [250, 1, 2, 3]);
  t.equal(TransportAddress.parse('250.1.2.3')?.port, 0);
  t.equal(TransportAddress.parse('1.2.3.4')?.family, IPV4);
  t.equal(TransportAddress.parse('::ffff:1.2.3.4')?.family, IPV6, 'not unwrapped');
  t.end();
});

t.test('what is not exactly one address', (t) => {
  const texts = [
    '',
    ' ',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.04',
    '0x7f.0.0.1',
    '127.1',
    '2130706433',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.4\n',
    '1.2.3.4:80',
    '1.2.3.4/8',
    '+1.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '[::1]',
    '::1%lo',
    '::1%25',
    '::1/128',
    '::ffff:1.2.3',
    '::ffff:1.2.3.256',
    '::ffff:01.2.3.4',
    '::1.2.3.4.5',
    '::ffff:0x1.2.3.4',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1 ',
    '::1\n',
    'localhost',
    'toString',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '1.2.3.4::',
    ':1',
    '1:',
  ];
  for (const text of texts) {
    t.equal(TransportAddress.parse(text), undefined, JSON.stringify(text));
  }
  t.end();
});

t.test('parsing agrees with node:net', (t) => {
  const character = fc.constantFrom(...'0127af:.%x '.split(''));
  const nearly = fc.array(character, { maxLength: 16 }).map((list) => list.join(''));
  const parts = fc
    .array(
      fc.constantFrom('0', '1', 'ff', 'abcd', '', ':', '1.2.3.4', '01.2.3.4', '0x1.2.3.4', '00001'),
      { maxLength: 9 },
    )
    .map((list) => list.join(':'));
  const property = fc.property(fc.oneof(nearly, parts, fc.ipV4(), fc.ipV6()), (text) => {
    const address = TransportAddress.parse(text);
    const isAddress = isIPv4(text) || (isIPv6(text) && !text.includes('%'));
    return isAddress === (address !== undefined);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 5000 }));
  t.end();
});

t.test('text, copies and hashes keep what is equal equal', (t) => {
  const property = fc.property(anyAddress, anyAddress, (address, other) => {
    const parsed = TransportAddress.parse(address.ip(), address.port);
    const copy = address.clone();
    const sameText = address.toString() === other.toString();
    return (
      parsed?.equals(address) === true &&
      copy.equals(address) &&
      copy.hash() === address.hash() &&
      copy.hashIp() === address.hashIp() &&
      address.equals(other) === sameText &&
      address.equalsIp(other) === (address.ip() === other.ip())
    );
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }));

  const address = TransportAddress.parse('192.0.2.1', 1)!;
  const copy = address.clone();
  address.setIpv6(1, 2, 3, 4, 5);
  t.equal(copy.toString(), '192.0.2.1:1', 'a clone is independent');
  address.setIpv4(-1, 6);
  t.equal(address.toString(), '255.255.255.255:6');
  t.ok(address.equals(TransportAddress.parse('255.255.255.255', 6)!), 'no word is left over');
  const ipv6 = new TransportAddress().setIpv6(1, 0, 0, 0, 1);
  const ipv4 = new TransportAddress().setIpv4(1, 1);
  t.notOk(ipv4.equalsIp(ipv6), 'families differ');
  t.ok(ipv4.equalsIp(ipv4.clone().setIpv4(1, 2)));
  t.notOk(ipv4.equals(ipv4.clone().setIpv4(1, 2)));
  t.end();
});

t.test('hashes of neighbours spread over the low bits', (t) => {
  const buckets = 1024;
  const sets: [string, (index: number) => TransportAddress][] = [
    ['last byte', (i) => new TransportAddress().setIpv4(0x0a000000 + i, 5000)],
    ['first bytes', (i) => new TransportAddress().setIpv4((i << 20) | 1, 5000)],
    ['ports', (i) => new TransportAddress().setIpv4(0x0a000001, 1024 + i)],
    ['IPv6 low', (i) => new TransportAddress().setIpv6(0x20010db8, 0, 0, i, 5000)],
    ['IPv6 middle', (i) => new TransportAddress().setIpv6(0x20010db8, i << 16, 0, 1, 5000)],
    ['IPv6 high', (i) => new TransportAddress().setIpv6(i << 20, 0, 0, 1, 5000)],
  ];
  for (const [name, make] of sets) {
    const used = new Set<number>();
    for (let index = 0; index < buckets; index++) {
      const hash = make(index).hash();
      if (hash !== (hash | 0)) throw new Error('not a 32-bit integer');
      used.add(hash & (buckets - 1));
    }
    // 1024 random keys fill about 647 of 1024 buckets.
    t.ok(used.size > 512, `${name}: ${used.size}`);
  }
  t.end();
});
