import * as fc from 'fast-check';
import t from 'tap';
import {
  HANDSHAKE_RATE_ENTRIES_MAX,
  HANDSHAKES_PENDING_MAX,
  PROXY_HEADER_BYTES_MAX,
} from '../../src/limits.ts';
import type { ListenerPlan, ProxyPlan } from '../../src/net/data-plane.ts';
import { HandshakeGate } from '../../src/net/shared/handshake-gate.ts';
import { HandshakeLimiter } from '../../src/net/shared/handshake-limiter.ts';
import { ProxyHeaderReader, type ProxyHeaderOutcome } from '../../src/net/shared/proxy-header.ts';
import { StreamOpening, StreamOpeningRules } from '../../src/net/shared/stream-opening.ts';
import { TrustedPrefixes } from '../../src/net/shared/trusted-prefixes.ts';
import { IPV6, TransportAddress } from '../../src/stun/transport-address.ts';
import type { MonotonicMs } from '../../src/turn/policy.ts';
import {
  proxyLine,
  proxyV2,
  proxyV2Of,
  PROXY_V2_SIGNATURE as SIGNATURE,
} from '../support/proxy-header.ts';
import { addressFrom } from '../support/turn-client.ts';

const REST = Buffer.from([0, 1, 0, 0]);

interface Read {
  readonly outcome: ProxyHeaderOutcome;
  /** Set when the outcome is `proxied`. */
  readonly source?: string;
  readonly destination?: string;
  /** Bytes of the stream that the reader left, those it held included; only when it has come to an end. */
  readonly rest: Buffer;
}

/** Reads a stream that comes in pieces of the given lengths, over and over. */
function read(stream: Uint8Array, pieces: readonly number[] = [stream.length]): Read {
  const reader = new ProxyHeaderReader();
  let at = 0;
  for (let piece = 0; at < stream.length; piece++) {
    const length = Math.min(pieces[piece % pieces.length]!, stream.length - at);
    const outcome = reader.push(stream, at, length);
    const held = outcome === 'absent' ? Buffer.from(reader.held) : Buffer.alloc(0);
    const rest = Buffer.concat([held, stream.subarray(at + reader.consumed)]);
    if (outcome === 'proxied') {
      return {
        outcome,
        source: reader.source.toString(),
        destination: reader.destination.toString(),
        rest,
      };
    }
    if (outcome !== 'more') return { outcome, rest };
    at += length;
  }
  return { outcome: 'more', rest: Buffer.alloc(0) };
}

t.test('version 1', (t) => {
  const accepted = {
    'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n': ['192.0.2.1:56324', '198.51.100.2:443'],
    'PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n': [
      '255.255.255.255:65535',
      '255.255.255.255:65535',
    ],
    'PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n': ['0.0.0.0:0', '0.0.0.0:0'],
    'PROXY TCP6 2001:db8::1 2001:DB8:0:0:0:0:0:2 1 443\r\n': [
      '[2001:db8::1]:1',
      '[2001:db8::2]:443',
    ],
    'PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6402 1 2\r\n': ['192.0.2.1:1', '198.51.100.2:2'],
  };
  for (const [line, [source, destination]] of Object.entries(accepted)) {
    t.same(read(Buffer.from(line)), {
      outcome: 'proxied',
      source,
      destination,
      rest: Buffer.alloc(0),
    });
  }
  const ffff = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
  const longest = `PROXY UNKNOWN ${ffff} ${ffff} 65535 65535\r\n`;
  t.equal(longest.length, 107);
  for (const line of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN \r rubbish\0\r\n', longest]) {
    t.equal(read(Buffer.from(line)).outcome, 'local', JSON.stringify(line));
  }
  t.end();
});

t.test('version 1, malformed', (t) => {
  const good = 'TCP4 192.0.2.1 192.0.2.2 1 2';
  const lines = [
    '\r\n',
    ' \r\n',
    'UNKNOWNS\r\n',
    'unknown\r\n',
    'UNKNOWN\n',
    'UNKNOWN 1\n',
    'UDP4 192.0.2.1 192.0.2.2 1 2\r\n',
    'tcp4 192.0.2.1 192.0.2.2 1 2\r\n',
    `${good}\n`,
    `${good} \r\n`,
    `${good}\r\r\n`,
    `${good} 3\r\n`,
    ` ${good}\r\n`,
    'TCP4  192.0.2.1 192.0.2.2 1 2\r\n',
    'TCP4 192.0.2.1\t192.0.2.2 1 2\r\n',
    'TCP4 192.0.2.1 192.0.2.2 1\r\n',
    'TCP4 192.0.2.1 192.0.2.2 01 2\r\n',
    'TCP4 192.0.2.1 192.0.2.2 1 00\r\n',
    'TCP4 192.0.2.1 192.0.2.2 65536 2\r\n',
    'TCP4 192.0.2.1 192.0.2.2 1 99999\r\n',
    'TCP4 192.0.2.1 192.0.2.2 -1 2\r\n',
    'TCP4 192.0.2.1 192.0.2.2 +1 2\r\n',
    'TCP4 192.0.2.1 192.0.2.2 0x1 2\r\n',
    'TCP4 192.0.2.01 192.0.2.2 1 2\r\n',
    'TCP4 192.0.2.256 192.0.2.2 1 2\r\n',
    'TCP4 192.0.2 192.0.2.2 1 2\r\n',
    'TCP4 3221225985 192.0.2.2 1 2\r\n',
    'TCP4 192.0.2.1 192.0.2.2. 1 2\r\n',
    'TCP4 ::1 ::1 1 2\r\n',
    'TCP4 192.0.2.1 ::1 1 2\r\n',
    'TCP6 192.0.2.1 192.0.2.2 1 2\r\n',
    'TCP6 ::1 192.0.2.2 1 2\r\n',
    'TCP6 ::1 ::1::1 1 2\r\n',
    'TCP6 ::1 1:2:3:4:5:6:7 1 2\r\n',
    'TCP6 ::1 ::12345 1 2\r\n',
    'TCP6 ::1 ::g 1 2\r\n',
    'TCP6 fe80::1%1 ::1 1 2\r\n',
    'TCP6 [::1] ::1 1 2\r\n',
    'TCP6 ::ffff:192.0.2.01 ::1 1 2\r\n',
  ];
  for (const line of lines) {
    t.equal(read(Buffer.from(`PROXY ${line}`)).outcome, 'malformed', JSON.stringify(line));
  }
  const endless = Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}\r\n`);
  t.equal(read(endless.subarray(0, 106)).outcome, 'more');
  t.equal(read(endless.subarray(0, 107)).outcome, 'malformed', 'no end after 107 bytes');
  t.end();
});

t.test('version 2', (t) => {
  const ipv4 = '0c0000020a0000011f90 01bb'.replace(' ', '');
  const ipv6 = `${'20010db8'.padEnd(31, '0')}1${'20010db8'.padEnd(31, '0')}2000101bb`;
  const mapped = `${'ffffc0000201'.padStart(32, '0')}${'ffffc6336402'.padStart(32, '0')}000101bb`;
  const unix = '2f746d70'.padEnd(432, '0');
  const cases: [string, number, number, string, ProxyHeaderOutcome, string?, string?][] = [
    ['IPv4', 0x21, 0x11, ipv4, 'proxied', '12.0.0.2:8080', '10.0.0.1:443'],
    ['IPv4, datagrams', 0x21, 0x12, ipv4, 'proxied', '12.0.0.2:8080', '10.0.0.1:443'],
    ['IPv4, TLVs', 0x21, 0x11, `${ipv4}040003414243`, 'proxied', '12.0.0.2:8080', '10.0.0.1:443'],
    ['IPv6', 0x21, 0x21, ipv6, 'proxied', '[2001:db8::1]:1', '[2001:db8::2]:443'],
    ['mapped', 0x21, 0x21, mapped, 'proxied', '192.0.2.1:1', '198.51.100.2:443'],
    ['UNIX', 0x21, 0x31, unix, 'local'],
    ['UNIX, TLVs', 0x21, 0x31, `${unix}040000`, 'local'],
    ['unspecified', 0x21, 0x00, '', 'local'],
    ['unspecified, TLVs', 0x21, 0x00, '040000', 'local'],
    ['unspecified family', 0x21, 0x01, '', 'local'],
    ['unspecified protocol', 0x21, 0x10, ipv4, 'local'],
    ['LOCAL', 0x20, 0x00, '', 'local'],
    ['LOCAL with addresses', 0x20, 0x11, ipv4, 'local'],
    ['LOCAL of an unknown family', 0x20, 0xff, '0102', 'local'],
    ['the longest', 0x21, 0x11, ipv4.padEnd(2 * (PROXY_HEADER_BYTES_MAX - 16), '0'), 'proxied'],
    ['too long', 0x21, 0x11, ipv4.padEnd(2 * (PROXY_HEADER_BYTES_MAX - 15), '0'), 'malformed'],
    ['LOCAL, too long', 0x20, 0, ''.padEnd(2 * (PROXY_HEADER_BYTES_MAX - 15), '0'), 'malformed'],
    ['version 1', 0x11, 0x11, ipv4, 'malformed'],
    ['version 3', 0x31, 0x11, ipv4, 'malformed'],
    ['unknown command', 0x22, 0x11, ipv4, 'malformed'],
    ['unknown family', 0x21, 0x41, ipv4, 'malformed'],
    ['unknown protocol', 0x21, 0x13, ipv4, 'malformed'],
    ['IPv4, too short', 0x21, 0x11, ipv4.slice(2), 'malformed'],
    ['IPv6, too short', 0x21, 0x21, ipv6.slice(2), 'malformed'],
    ['UNIX, too short', 0x21, 0x31, unix.slice(2), 'malformed'],
  ];
  for (const [name, command, protocol, hex, outcome, source, destination] of cases) {
    const payload = Buffer.from(hex, 'hex');

    const header = proxyV2Of(command, protocol, payload);
    for (const pieces of [[header.length + REST.length], [1], [15, 1, 2]]) {
      const result = read(Buffer.concat([header, REST]), pieces);
      t.equal(result.outcome, outcome, name);
      if (outcome === 'malformed') continue;
      t.same(result.rest, REST, 'the rest is left');
      if (source !== undefined) t.match(result, { source, destination });
    }
  }
  t.end();
});

t.test('no header at all', (t) => {
  const streams = [
    Buffer.of(0x16, 3, 1),
    Buffer.of(0, 1, 0, 0),
    Buffer.from('PUT'),
    Buffer.from('PROXYTCP4'),
    Buffer.from('proxy TCP4'),
    Buffer.concat([SIGNATURE.subarray(0, 11), Buffer.of(0)]),
    Buffer.of(0x0d, 0x0b),
  ];
  for (const stream of streams) {
    for (const pieces of [[100], [1], [2, 1]]) {
      t.same(read(stream, pieces), { outcome: 'absent', rest: stream }, stream.toString('hex'));
    }
  }
  t.equal(read(Buffer.alloc(0)).outcome, 'more');
  t.end();
});

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const port = fc.nat(0xffff);
const ipv4 = fc.tuple(word, port).map(([w, p]) => new TransportAddress().setIpv4(w, p));
const ipv6 = fc
  .tuple(word, word, word, word, port)
  .map(([a, b, c, d, p]) => new TransportAddress().setIpv6(a, b, c, d, p));
const endpoints = fc.oneof(fc.tuple(ipv4, ipv4), fc.tuple(ipv6, ipv6));
const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 });

t.test('what is written is read, however the stream is cut', (t) => {
  const property = fc.property(
    endpoints,
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 50 }),
    fc.boolean(),
    cuts,
    ([source, destination], tlvs, rest, isV2, pieces) => {
      const header = isV2 ? proxyV2(source, destination, tlvs) : proxyLine(source, destination);
      const result = read(Buffer.concat([header, rest]), pieces);
      return (
        result.outcome === 'proxied' &&
        result.source === source.toString() &&
        result.destination === destination.toString() &&
        result.rest.equals(rest)
      );
    },
  );
  t.doesNotThrow(() => fc.assert(property));
  t.end();
});

t.test('garbage never throws, and means the same however it is cut', (t) => {
  const beginnings = [
    Buffer.from('PROXY '),
    Buffer.from('PROXY TCP4 '),
    SIGNATURE,
    Buffer.alloc(0),
  ];
  const property = fc.property(
    fc.constantFrom(...beginnings),
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string().map((text) => Buffer.from(text)),
    ),
    cuts,
    (beginning, garbage, pieces) => {
      const stream = Buffer.concat([beginning, garbage]);
      const whole = read(stream);
      const cut = read(stream, pieces);
      return cut.outcome === whole.outcome && cut.rest.equals(whole.rest);
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }));
  t.end();
});

t.test('trusted address ranges', (t) => {
  const trusted = new TrustedPrefixes([
    { address: '10.1.2.3', prefixLength: 16 },
    { address: '192.0.2.7', prefixLength: 32 },
    { address: '::ffff:198.51.100.0', prefixLength: 120 },
    { address: '2001:db8:0:1::', prefixLength: 49 },
    { address: 'fd00::1', prefixLength: 128 },
  ]);
  const cases: Record<string, boolean> = {
    '10.1.0.0': true,
    '10.1.255.255': true,
    '10.2.0.0': false,
    '10.0.255.255': false,
    '192.0.2.7': true,
    '192.0.2.6': false,
    '::ffff:192.0.2.7': true,
    '::ffff:192.0.2.8': false,
    '::c000:207': false,
    '198.51.100.255': true,
    '198.51.101.0': false,
    '::ffff:198.51.100.1': true,
    '2001:db8:0:7fff::1': true,
    '2001:db8:0:8000::1': false,
    '2001:db8:1::1': false,
    'fd00::1': true,
    'fd00::2': false,
    'fd00:0:0:1::1': false,
  };
  for (const [ip, expected] of Object.entries(cases)) {
    t.equal(trusted.contains(addressFrom(ip, 5)), expected, ip);
  }
  const nobody = new TrustedPrefixes([]);
  t.notOk(nobody.contains(addressFrom('127.0.0.1', 1)));
  const all = new TrustedPrefixes([
    { address: '0.0.0.0', prefixLength: 0 },
    { address: '::', prefixLength: 0 },
  ]);
  for (const ip of ['203.0.113.9', '2001:db8::1', '::ffff:203.0.113.9']) {
    t.ok(all.contains(addressFrom(ip, 1)), ip);
  }
  t.throws(() => new TrustedPrefixes([{ address: 'localhost', prefixLength: 8 }]), TypeError);
  t.end();
});

/** How many of `count` handshakes are granted at once. */
function granted(limiter: HandshakeLimiter, ip: string, count: number, now: number): number {
  const client = addressFrom(ip, 1);
  let sum = 0;
  for (let each = 0; each < count; each++) if (limiter.take(client, now as MonotonicMs)) sum++;
  return sum;
}

t.test('handshakes of one client', (t) => {
  const limiter = new HandshakeLimiter(1000, 20);
  t.equal(granted(limiter, '192.0.2.1', 100, 5000), 20, 'a burst of one second');
  t.equal(granted(limiter, '192.0.2.1', 100, 5000), 0);
  t.equal(granted(limiter, '192.0.2.1', 100, 5100), 2, 'a tenth of a second later');
  t.equal(granted(limiter, '192.0.2.2', 100, 5100), 20, 'another client is not hindered');
  t.equal(granted(limiter, '192.0.2.1', 100, 60_000), 20, 'no more than a second is saved up');
  t.equal(granted(limiter, '2001:db8::1', 15, 5000), 15);
  t.equal(granted(limiter, '2001:db8::ffff:0:0:1', 15, 5000), 5, 'the same /64');
  t.equal(granted(limiter, '2001:db8:0:1::1', 15, 5000), 15, 'another /64');
  t.equal(granted(limiter, '32.1.13.184', 20, 5000), 20, 'the IPv4 address of the same bits');
  const slow = new HandshakeLimiter(1000, 0.5);
  t.equal(granted(slow, '192.0.2.1', 100, 0), 5, 'never less than 5 at once');
  t.equal(granted(slow, '192.0.2.1', 100, 4000), 2);
  t.end();
});

t.test('handshakes of all clients together', (t) => {
  const limiter = new HandshakeLimiter(100, 10);
  const sum = (now: number): number => {
    let total = 0;
    for (let host = 0; host < 50; host++) total += granted(limiter, `192.0.2.${host}`, 10, now);
    return total;
  };
  t.equal(sum(0), 100);
  t.equal(sum(500), 50);
  t.equal(sum(500), 0);
  t.equal(granted(limiter, '198.51.100.1', 10, 1000), 10, 'what was refused was not counted');
  t.end();
});

t.test('a client that was stopped stays so while strangers crowd the table', (t) => {
  const limiter = new HandshakeLimiter(1e9, 10);
  const client = new TransportAddress();
  t.equal(granted(limiter, '192.0.2.1', 11, 1000), 10);
  for (let host = 1; host <= 10 * HANDSHAKE_RATE_ENTRIES_MAX; host++) {
    if (!limiter.take(client.setIpv6(0x20010db8, host, 0, 0, 1), 1000 as MonotonicMs)) {
      t.fail(`stranger ${host} of family ${IPV6} is refused`);
    }
  }
  t.equal(granted(limiter, '192.0.2.1', 11, 1000), 0);
  t.equal(granted(limiter, '192.0.2.1', 11, 2000), 10);
  t.end();
});

t.test('other rates hold at once', (t) => {
  const limiter = new HandshakeLimiter(1000, 10);
  t.equal(granted(limiter, '192.0.2.1', 100, 1000), 10);
  limiter.replaceRates(1000, 20);
  t.equal(granted(limiter, '192.0.2.1', 100, 1500), 10, 'half a second at the new rate');
  t.equal(granted(limiter, '192.0.2.2', 100, 1500), 20);
  limiter.replaceRates(6, 20);
  t.equal(granted(limiter, '192.0.2.3', 100, 1500), 6, 'what all had left is cut down');
  t.equal(granted(limiter, '192.0.2.3', 100, 2000), 3);
  t.end();
});

t.test('handshakes at a time', (t) => {
  const gate = new HandshakeGate(1e9, 1e9);
  const client = addressFrom('192.0.2.1', 1);
  const enter = (): boolean => gate.enter(client, 1000 as MonotonicMs);
  let entered = 0;
  while (enter()) entered++;
  t.equal(entered, HANDSHAKES_PENDING_MAX);
  t.equal(gate.pending, HANDSHAKES_PENDING_MAX);
  gate.leave();
  t.ok(enter());
  t.notOk(enter());
  const slow = new HandshakeGate(1e9, 1);
  const outcomes = Array.from({ length: 6 }, () => slow.enter(client, 1000 as MonotonicMs));
  t.same(outcomes, [true, true, true, true, true, false]);
  t.equal(slow.pending, 5, 'who is refused is not within');
  t.end();
});

t.test('what a connection begins with', (t) => {
  const trusted = [{ address: '192.0.2.0', prefixLength: 24 }];
  const header = proxyLine(addressFrom('203.0.113.9', 7), addressFrom('198.51.100.1', 8));
  const hello = Buffer.of(0x16, 3, 1);
  const stun = Buffer.of(0, 1, 0, 0);
  const cases: [Partial<ListenerPlan>, ProxyPlan['mode'], Buffer, string, number][] = [
    [{ protocol: 'tcp' }, 'off', stun, 'plain', 0],
    [{ protocol: 'tcp' }, 'off', hello, 'plain', 0],
    [{ protocol: 'tls' }, 'off', hello, 'tls', 0],
    [{ protocol: 'tls' }, 'off', stun, 'tls', 0],
    [{ protocol: 'tls', alsoPlain: true }, 'off', hello, 'tls', 0],
    [{ protocol: 'tls', alsoPlain: true }, 'off', stun, 'plain', 0],
    [{ protocol: 'tcp' }, 'required', Buffer.concat([header, stun]), 'plain', header.length],
    [{ protocol: 'tls' }, 'required', Buffer.concat([header, hello]), 'tls', header.length],
    [{ protocol: 'tls' }, 'optional', hello, 'tls', 0],
    [{ protocol: 'tls' }, 'required', hello, 'proxyHeaderMissing', 0],
    [{ protocol: 'tls' }, 'required', header, 'more', header.length],
    [{ protocol: 'tls' }, 'required', Buffer.from('PROXY \r\n'), 'proxyHeaderMalformed', 8],
  ];
  for (const [plan, mode, bytes, expected, consumed] of cases) {
    const proxy = { mode, trusted };
    const rules = new StreamOpeningRules({ alsoPlain: false, proxy, ...plan } as ListenerPlan);
    const opening = new StreamOpening(rules, addressFrom('192.0.2.5', 1));
    const name = `${plan.protocol}, ${mode}: ${bytes.toString('latin1')}`;
    t.equal(opening.push(bytes, 0, bytes.length), expected, name);
    t.equal(opening.consumed, consumed);
    const client = bytes.includes(header) ? '203.0.113.9:7' : undefined;
    t.equal(opening.takeClient()?.toString(), client);
  }
  t.end();
});
