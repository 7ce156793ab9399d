import t from 'tap';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import { formatHostPort, parseHostPort } from '../../src/config/host-ports.ts';
import { parseConfig, type ParseResult } from '../../src/config/parse.ts';
import type { Problem } from '../../src/config/problems.ts';

const HEAD = 'version: v1\nauth: { type: none }\n';
const DEFAULT_SERVERS = ['stun.cloudflare.com:3478', 'stun.l.google.com:19302'];
const DISCOVERED = 'addresses: [{ bind: 10.0.0.1, advertise: discover }]';

function parse(text: string): ParseResult {
  return parseConfig(text, { fileName: 'test.yaml', environment: {}, readFile: () => 'unused' });
}

function configOf(text: string): GatewayConfig {
  const result = parse(HEAD + text);
  if ('config' in result) return result.config;
  throw new Error(`unexpected problems: ${JSON.stringify(result.problems)}`);
}

function placeOf({ line, column, path }: Problem): string {
  return `${line}:${column} ${path}`;
}

t.test('addresses that are discovered', (t) => {
  const table: readonly [string, (config: GatewayConfig) => unknown, unknown][] = [
    [`relay: { ${DISCOVERED} }`, (c) => c.relay.addresses, [{ bind: '10.0.0.1', advertise: 'discover' }]],
    [`relay: { ${DISCOVERED} }`, (c) => c.relay.stunServers, DEFAULT_SERVERS],
    ['relay: { addresses: [{ bind: "::", advertise: Discover }] }', (c) => c.relay.addresses, [{ bind: '::', advertise: 'discover' }]],
    ['relay: { addresses: [{ bind: 10.0.0.1 }] }', (c) => c.relay.stunServers, []],
    ['relay: { stun_servers: [] }', (c) => c.relay.stunServers, []],
    ['relay: {}', (c) => c.relay.nat64Prefixes, []],
    ['relay: { nat64_prefixes: ["2001:DB8:64::7/96", "2001:db8::/32"] }', (c) => c.relay.nat64Prefixes, [{ address: '2001:db8:64::', prefixLength: 96 }, { address: '2001:db8::', prefixLength: 32 }]],
    [`relay: { ${DISCOVERED}, stun_servers: [STUN.example.org., "192.0.2.1:5000", "[2001:DB8::1]", "2001:db8::2", "stun.example.org:3478"] }`, (c) => c.relay.stunServers, ['stun.example.org:3478', '192.0.2.1:5000', '[2001:db8::1]:3478', '[2001:db8::2]:3478']],
    [`relay: { ${DISCOVERED} }\nlisteners: [{ name: a, public_address: DISCOVER }]`, (c) => c.listeners[0]?.publicAddress, 'discover'],
  ]; // prettier-ignore
  for (const [text, pick, expected] of table) t.strictSame(pick(configOf(text)), expected, text);
  t.end();
});

t.test('when credentials expire', (t) => {
  const expiryOf = (auth: string): unknown => {
    const result = parse(`version: v1\nauth: { type: none, ${auth} }`);
    return 'config' in result ? result.config.auth.onExpiry : result.problems;
  };
  const table = [['', 'close'], ['on_expiry: ""', 'close'], ['on_expiry: keep', 'keep'], ['on_expiry: Refuse', 'refuse'], ['on_expiry: CLOSE', 'close']] as const; // prettier-ignore
  for (const [auth, expected] of table) t.equal(expiryOf(auth), expected, auth);
  t.end();
});

t.test('limits', (t) => {
  const { limits } = configOf(`limits:
  allocations_max: 1
  allocations_per_address_max: 2
  connections_per_address_max: 3
  handshakes_per_second: 4
  handshakes_per_second_per_address: 5
  permissions_per_allocation_max: 6
  channels_per_allocation_max: 7
  bytes_per_second_per_allocation: 0
  packets_per_second_per_allocation: 9
  bytes_per_second_per_user: 10
  packets_per_second_per_user: "11"
  over_user_quota: Degrade
  degraded_bytes_per_second: 1000
  unauthenticated_per_second_per_address: 0
`);
  t.strictSame(limits, {
    allocationsMax: 1,
    allocationsPerAddressMax: 2,
    connectionsPerAddressMax: 3,
    handshakesPerSecond: 4,
    handshakesPerSecondPerAddress: 5,
    permissionsPerAllocationMax: 6,
    channelsPerAllocationMax: 7,
    bytesPerSecondPerAllocation: 0,
    packetsPerSecondPerAllocation: 9,
    bytesPerSecondPerUser: 10,
    packetsPerSecondPerUser: 11,
    overUserQuota: 'degrade',
    degradedBytesPerSecond: 1000,
    unauthenticatedPerSecondPerAddress: 0,
  });
  t.end();
});

t.test('every problem has its exact position, and there is no other', (t) => {
  const rates = ['bytes_per_second_per_allocation', 'packets_per_second_per_allocation', 'bytes_per_second_per_user', 'packets_per_second_per_user', 'unauthenticated_per_second_per_address']; // prettier-ignore
  const limit = (entry: string, message: RegExp): [string, string, RegExp] => {
    const [key = ''] = entry.split(':');
    return [`limits: { ${entry} }`, `3:${key.length + 13} limits.${key}`, message];
  };
  const table: readonly [string, string, RegExp][] = [
    ['relay: { addresses: [{ bind: 10.0.0.1, advertise: find }] }', '3:51 relay.addresses[0].advertise', /IP address that clients can be told, or discover/],
    ['relay: { addresses: [{ bind: eth0, advertise: discover }] }', '3:30 relay.addresses[0].bind', /IP address of this machine/],
    ['relay: { addresses: [{ bind: 10.0.0.1, advertise: discover }, { bind: 10.0.0.2, advertise: discover }] }', '3:71 relay.addresses[1].bind', /one address per family/],
    [`relay: { stun_servers: [], ${DISCOVERED} }`, '3:24 relay.stun_servers', /must name a server/],
    [`relay: { stun_servers: 192.0.2.1, ${DISCOVERED} }`, '3:24 relay.stun_servers', /must be a list/],
    ...['"stun:stun.example.org"', '"a b"', '"a.example:0"', '"a.example:65536"', '"a.example:x"', '0.0.0.0', '192.0.2', '"[192.0.2.1]:1"', '"[stun.example.org]:1"', '"[::]"', '""', '":3478"', '"http://a.example"'].map((server): [string, string, RegExp] =>
      [`relay: { stun_servers: [${server}], ${DISCOVERED} }`, '3:25 relay.stun_servers[0]', /a host with its port such as stun\.example\.org:3478/]),
    ...['"2001:db8::/33"', '"2001:db8::1"', '10.0.0.0/32', 'x', '"2001:db8::/"'].map((prefix): [string, string, RegExp] =>
      [`relay: { nat64_prefixes: [${prefix}] }`, '3:27 relay.nat64_prefixes[0]', /an IPv6 prefix such as 2001:db8:64::\/96, of 32, 40, 48, 56, 64, 96 bits/]),
    ['listeners: [{ name: a, public_address: discover }]', '3:40 listeners[0].public_address', /needs an entry of relay\.addresses with advertise: discover/],
    ['relay: { addresses: [{ bind: 10.0.0.1 }] }\nlisteners: [{ name: a, public_address: discover }]', '4:40 listeners[0].public_address', /with advertise: discover/],
    ['listeners: [{ name: a, address: discover }]', '3:33 listeners[0].address', /must be an IP address/],
    ...rates.map((key) => limit(`${key}: -1`, /whole number from 0 to 2000000000/)),
    ...rates.map((key) => limit(`${key}: 2000000001`, /whole number from 0 to 2000000000/)),
    limit('bytes_per_second_per_user: 1M', /whole number/),
    limit('permissions_per_allocation_max: 0', /whole number from 1 to 65536/),
    limit('channels_per_allocation_max: 16384', /whole number from 1 to 16383/),
    limit('over_user_quota: drop', /must be one of refuse, degrade/),
    limit('degraded_bytes_per_second: 999', /whole number from 1000/),
    ['limits: { bytes_per_second: 1 }', '3:11 limits.bytes_per_second', /unknown key/],
  ]; // prettier-ignore
  for (const [text, place, message] of table) {
    const result = parse(HEAD + text);
    const problems = 'problems' in result ? result.problems : [];
    t.same(problems.map(placeOf), [place], text);
    t.match(problems[0]?.message, message, text);
  }
  const expiry = parse('version: v1\nauth: { type: none, on_expiry: drop }');
  t.match('problems' in expiry && expiry.problems, [
    { line: 2, column: 32, path: 'auth.on_expiry', message: 'must be one of keep, refuse, close' },
  ]);
  t.end();
});

t.test('warnings', (t) => {
  const table: readonly [string, string[], RegExp?][] = [
    ['relay: { stun_servers: [stun.example.org] }', ['3:10 relay.stun_servers'], /no effect; no entry of relay\.addresses has advertise: discover/],
    ['limits: { over_user_quota: degrade }', ['3:28 limits.over_user_quota'], /no effect; admin\.user_quota is 0/],
    ['limits: { allocations_max: 131073 }', ['3:28 limits.allocations_max'], /has room for, which is 131072/],
    ['limits: { allocations_max: 131072 }', []],
    ['admin: { user_quota: 1 }\nlimits: { over_user_quota: degrade }', []],
    [`relay: { ${DISCOVERED}, stun_servers: [a.example] }`, []],
    [`relay: { ${DISCOVERED} }`, []],
  ]; // prettier-ignore
  for (const [text, places, message] of table) {
    const result = parse(HEAD + text);
    const warnings = 'warnings' in result ? result.warnings : result.problems;
    t.same(warnings.map(placeOf), places, text);
    if (message !== undefined) t.match(warnings[0]?.message, message, text);
  }
  t.end();
});

t.test('hosts with ports read back as they are written', (t) => {
  for (const text of ['192.0.2.1:1', '[2001:db8::1]:65535', 'stun.example.org:3478']) {
    const server = parseHostPort(text, 1234);
    t.equal(server && formatHostPort(server), text);
  }
  t.same(parseHostPort('stun.example.org', 1234), { host: 'stun.example.org', port: 1234 });
  t.end();
});
