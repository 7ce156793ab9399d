import * as fc from 'fast-check';
import t from 'tap';
import { parseBlock } from '../../src/config/addresses.ts';
import { formatDuration, parseDuration } from '../../src/config/durations.ts';
import { parseEndpoint } from '../../src/config/endpoints.ts';
import { formatHttpEndpoint, parseHttpEndpoint } from '../../src/config/http-endpoints.ts';
import { formatLogLevels, parseLogLevels } from '../../src/config/log-levels.ts';
import { nearestMatch } from '../../src/config/suggest.ts';

const EVERY_PORT = [1, 65_535] as const;

const ENDPOINTS: readonly [string, string, number | undefined, number, number][] = [
  ['10.1.2.3', '10.1.2.3', 32, ...EVERY_PORT],
  ['10.0.0.0/24', '10.0.0.0', 24, ...EVERY_PORT],
  ['10.0.0.7/24', '10.0.0.0', 24, ...EVERY_PORT],
  ['0.0.0.0/0', '0.0.0.0', 0, ...EVERY_PORT],
  ['1.2.3.4/0', '0.0.0.0', 0, ...EVERY_PORT],
  ['10.1.2.3:<5000-5100>', '10.1.2.3', 32, 5000, 5100],
  ['10.1.2.3:<5000-5000>', '10.1.2.3', 32, 5000, 5000],
  ['10.0.0.9/24:<10000-20000>', '10.0.0.0', 24, 10_000, 20_000],
  ['10.1.2.3:5004', '10.1.2.3', 32, 5004, 5004],
  ['10.1.2.3:5000-5100', '10.1.2.3', 32, 5000, 5100],
  ['10.0.0.0/8:1-65535', '10.0.0.0', 8, 1, 65_535],
  ['fd00::1', 'fd00::1', 128, ...EVERY_PORT],
  ['FD00:0:0::1', 'fd00::1', 128, ...EVERY_PORT],
  ['fd00::1:5000', 'fd00::1:5000', 128, ...EVERY_PORT],
  ['fd00::1/64', 'fd00::', 64, ...EVERY_PORT],
  ['::/0', '::', 0, ...EVERY_PORT],
  ['fd00::/64:5000-5100', 'fd00::', 64, 5000, 5100],
  ['fd00::1:<5000-5100>', 'fd00::1', 128, 5000, 5100],
  ['[fd00::1]', 'fd00::1', 128, ...EVERY_PORT],
  ['[fd00::1]:5004', 'fd00::1', 128, 5004, 5004],
  ['[fd00::]/64', 'fd00::', 64, ...EVERY_PORT],
  ['[fd00::]/64:5000-5100', 'fd00::', 64, 5000, 5100],
  ['[fd00::]/64:<5000-5100>', 'fd00::', 64, 5000, 5100],
];

const NAMED_ENDPOINTS: readonly [string, string, number, number][] = [
  ['media.internal', 'media.internal', ...EVERY_PORT],
  ['Media.Internal.', 'media.internal', ...EVERY_PORT],
  ['media.internal:5004', 'media.internal', 5004, 5004],
  ['media.internal:5000-5100', 'media.internal', 5000, 5100],
  ['media.internal:<5000-5100>', 'media.internal', 5000, 5100],
  ['media_1', 'media_1', ...EVERY_PORT],
];

const BAD_ENDPOINTS: readonly [string, RegExp][] = [
  ['', /is not an endpoint/],
  ['10.0.0.256', /is not an endpoint/],
  ['10.0.0', /is not an endpoint/],
  ['010.0.0.1', /is not an endpoint/],
  ['10.0.0.0/33', /is not an endpoint/],
  ['fd00::/129', /is not an endpoint/],
  ['fe80::1%eth0', /is not an endpoint/],
  ['10.0.0.1 ', /is not an endpoint/],
  ['10.0.0.1:', /is not an endpoint/],
  ['10.0.0.1:<5000-5100', /is not an endpoint/],
  ['10.0.0.1:5000-', /is not an endpoint/],
  ['[10.0.0.1]:80', /is not an endpoint/],
  ['http://10.0.0.1:80', /is not an endpoint/],
  ['10.0.0.1:0', /port range/],
  ['10.0.0.1:65536', /port range/],
  ['10.0.0.1:<0-10>', /port range/],
  ['10.0.0.1:<20-10>', /port range/],
  ['fd00::1:5000-5100', /brackets/],
  ['media.internal', /STRICT_DNS/],
  ['media.internal:5004', /STRICT_DNS/],
  ['__proto__', /STRICT_DNS/],
];

t.test('endpoints', (t) => {
  for (const [text, host, prefixLength, minPort, maxPort] of ENDPOINTS) {
    const expected = { host, prefixLength, minPort, maxPort };
    t.strictSame(parseEndpoint(text, 'STATIC'), expected, `${text} in a STATIC cluster`);
    t.strictSame(parseEndpoint(text, 'STRICT_DNS'), expected, `${text} in a STRICT_DNS cluster`);
  }
  for (const [text, host, minPort, maxPort] of NAMED_ENDPOINTS) {
    const expected = { host, prefixLength: undefined, minPort, maxPort };
    t.strictSame(parseEndpoint(text, 'STRICT_DNS'), expected, text);
  }
  for (const [text, message] of BAD_ENDPOINTS) {
    t.match(parseEndpoint(text, 'STATIC'), message, JSON.stringify(text));
  }
  t.match(
    parseEndpoint('media.internal/24', 'STRICT_DNS'),
    /is not an endpoint/,
    'name with prefix',
  );
  t.match(parseEndpoint('10.0.0.256', 'STRICT_DNS'), /is not an endpoint/, 'no name of digits');
  t.end();
});

t.test('masking an IPv4 block keeps the first bits and clears the others', (t) => {
  const masking = fc.property(
    fc.nat(0xffff_ffff),
    fc.integer({ min: 0, max: 32 }),
    (word, prefixLength) => {
      const dotted = (value: number): string =>
        [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
      const mask = prefixLength === 0 ? 0 : -1 << (32 - prefixLength);
      const block = parseBlock(`${dotted(word)}/${prefixLength}`);
      return block?.address === dotted(word & mask) && block.prefixLength === prefixLength;
    },
  );
  t.doesNotThrow(() => fc.assert(masking));
  t.end();
});

t.test('durations', (t) => {
  const good: readonly [string | number, number][] = [
    ['24h', 86_400],
    ['10m', 600],
    ['30s', 30],
    ['1h30m', 5400],
    ['1h1m1s', 3661],
    ['3600', 3600],
    [90, 90],
    ['0', 0],
  ];
  for (const [text, seconds] of good) t.equal(parseDuration(text), seconds, String(text));
  const bad = ['', ' ', 'h', '1d', '30m1h', '-1', '1.5h', '1h ago', '99999999999999999999h', 'NaN'];
  for (const text of bad) t.equal(parseDuration(text), undefined, JSON.stringify(text));
  const roundTrip = fc.property(
    fc.nat(),
    (seconds) => parseDuration(formatDuration(seconds)) === seconds,
  );
  t.doesNotThrow(() => fc.assert(roundTrip));
  t.end();
});

t.test('HTTP endpoints', (t) => {
  const good: readonly [string, string, number, string][] = [
    ['http://127.0.0.1:8080/metrics', '127.0.0.1', 8080, '/metrics'],
    ['http://127.0.0.1', '127.0.0.1', 1234, '/'],
    ['http://:8086', '', 8086, '/'],
    ['http://0.0.0.0:8080', '0.0.0.0', 8080, '/'],
    ['http://[::1]:8080/', '::1', 8080, '/'],
    ['HTTP://localhost', 'localhost', 1234, '/'],
    ['http://', '', 1234, '/'],
  ];
  for (const [text, host, port, path] of good) {
    const endpoint = parseHttpEndpoint(text, 1234);
    t.strictSame(endpoint, { host, port, path }, text);
    if (typeof endpoint === 'string') continue;
    t.strictSame(parseHttpEndpoint(formatHttpEndpoint(endpoint), 1), endpoint, `${text} again`);
  }
  t.equal(formatHttpEndpoint({ host: '::1', port: 8088 }), 'http://[::1]:8088', 'without a path');
  const bad: readonly [string, RegExp][] = [
    ['https://127.0.0.1', /plain HTTP/],
    ['127.0.0.1:8080', /must be a URL/],
    ['http://127.0.0.1:0', /port from 1/],
    ['http://127.0.0.1:70000', /port from 1/],
    ['http://[127.0.0.1]:80', /IP address or host/],
    ['http://10.0.0.256', /IP address or host/],
    ['http://user@host:80', /IP address or host/],
    ['http://a:b:80', /must be a URL/],
    ['http://a/b?c', /must be a URL/],
    ['tcp://127.0.0.1:80', /must be a URL/],
  ];
  for (const [text, message] of bad) t.match(parseHttpEndpoint(text, 1), message, text);
  t.end();
});

t.test('log levels', (t) => {
  const good: readonly [string, [string, string][]][] = [
    ['', [['all', 'INFO']]],
    ['all:DEBUG', [['all', 'DEBUG']]],
    ['turn:TRACE', [['all', 'INFO'], ['turn', 'TRACE']]], // prettier-ignore
    ['all:warn, turn:Error,', [['all', 'WARN'], ['turn', 'ERROR']]], // prettier-ignore
    ['__proto__:DISABLE', [['all', 'INFO'], ['__proto__', 'DISABLE']]], // prettier-ignore
  ];
  for (const [text, expected] of good) {
    const levels = parseLogLevels(text);
    t.strictSame(Object.entries(levels), expected, text);
    if (typeof levels === 'string') continue;
    t.equal(levels['constructor'], undefined, 'no inherited scopes');
    t.strictSame(Object.entries(parseLogLevels(formatLogLevels(levels))), expected, 'round trip');
  }
  for (const text of [
    'INFO',
    'all',
    'all:',
    ':INFO',
    'all:LOUD',
    'all:INFO;turn:INFO',
    'a b:INFO',
  ]) {
    t.match(parseLogLevels(text), /scope:LEVEL/, text);
  }
  t.match(parseLogLevels('turn:INFO,turn:WARN'), /twice/);
  t.end();
});

t.test('suggestions are for typing errors only', (t) => {
  const keys = ['port', 'min_port', 'protocol', 'public_address', 'key', 'endpoint', 'realm'];
  const near: readonly [string, string | undefined][] = [
    ['prot', 'port'],
    ['minPort', 'min_port'],
    ['min-port', 'min_port'],
    ['protcol', 'protocol'],
    ['public_adress', 'public_address'],
    ['endpoints', 'endpoint'],
    ['Realm', 'realm'],
    ['tls', undefined],
    ['proxy_protocol', undefined],
    ['x', undefined],
    ['', undefined],
  ];
  for (const [word, expected] of near) t.equal(nearestMatch(word, keys), expected, word);
  t.end();
});
