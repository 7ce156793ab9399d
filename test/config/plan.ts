import t, { type Test } from 'tap';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { planReload, type ConfigChange } from '../../src/config/plan.ts';

const PAIR = 'cert_file: a.crt, key_file: a.key';
const PEM = '-----BEGIN CERTIFICATE-----\\nTUlJ\\n-----END CERTIFICATE-----\\n';
const KEY = '-----BEGIN PRIVATE KEY-----\\nTUlJ\\n-----END PRIVATE KEY-----\\n';

/** Sets every key of the file to something. */
const BASE = `version: v1
admin:
  name: one
  loglevel: all:INFO,turn:DEBUG
  log_format: json
  metrics_endpoint: http://127.0.0.1:8080/metrics
  healthcheck_endpoint: http://127.0.0.1:8086
  api_endpoint: https://127.0.0.1:8087
  api_token: hidden-token-0123456789
  api_tls: { ${PAIR}, key_passphrase: hidden-api-phrase }
  user_quota: 10
  drain_timeout: 1h
  alternate_servers: [192.0.2.7]
  ready_fill_max: 0.9
auth:
  type: ephemeral
  realm: example.org
  credentials: { secrets: [hidden-secret-of-today, hidden-secret-of-old] }
  users: [{ username: alice, password: hidden-alice, routes: [media] }, { username: bob, password: hidden-bob }]
  max_ttl: 24h
  on_expiry: close
  algorithms: [SHA-256, MD5]
ice:
  endpoint: https://127.0.0.1:8088
  tls: { ${PAIR}, client_ca_file: [ca], client_crl_file: [crl] }
  api_keys: [hidden-key]
  cors: [https://a.example]
acme: { domains: [a.example], accept_terms: true, email: a@b.example, ca_file: acme.pem }
listeners:
  - { name: udp, protocol: UDP, bind: 0.0.0.0, port: 3478, address: 10.0.0.5, public_address: a.example, public_port: 1,
      routes: [media] }
  - { name: ns/gw/tls, protocol: TLS, port: 5349, proxy_protocol: optional, proxy_trusted: [10.0.0.0/8], also_plain: true,
      tls: { ${PAIR}, key_passphrase: hidden-phrase, client_ca_file: [ca], client_crl_file: [crl], client_auth: request,
        sni: [{ names: [b.example], pkcs12_file: b.p12, key_passphrase: hidden-p12 }],
        client_identities: [{ subject: CN=a, user: u, routes: [media] }] } }
  - { name: inline, protocol: DTLS, port: 5350, cert: "${PEM}", key: "${KEY}", tls: { key_passphrase: hidden-dtls } }
relay:
  min_port: 50000
  max_port: 60000
  addresses: [{ bind: 10.0.0.5, advertise: discover }]
  stun_servers: [stun.example.org]
  nat64_prefixes: ["2001:db8:64::/96"]
  workers: 2
clusters:
  - { name: media, endpoints: ["10.0.0.0/24:<1-2>"], dangerously_allow: [127.0.0.1/32] }
  - { name: named, type: STRICT_DNS, protocol: TCP, endpoints: [media.internal] }
strict_channel_numbers: false
limits: { allocations_max: 5, bytes_per_second_per_user: 7 }
`;

function configOf(text: string): GatewayConfig {
  const result = parseConfig(text, {
    fileName: 'text',
    environment: {},
    readFile: () => 'unused',
  });
  if ('config' in result) return result.config;
  throw new Error(`unexpected problems: ${JSON.stringify(result.problems)}`);
}

const base = configOf(BASE);

/** The plan for the base with one piece of its text replaced. */
function planOf(from: string | RegExp, to: string): ConfigChange[] {
  const text = BASE.replace(from, to);
  if (text === BASE) throw new Error(`nothing replaced: ${String(from)}`);
  return planReload(base, configOf(text));
}

function pathsOf(changes: readonly ConfigChange[]): string[] {
  return changes.map(({ path }) => path);
}

t.test('one change at a time', (t) => {
  const table: readonly [string, string, ConfigChange][] = [
    ['name: one', 'name: two', { path: 'admin.name', before: 'one', after: 'two', effect: 'update' }],
    ['turn:DEBUG', 'turn:WARN', { path: 'admin.loglevel', before: 'all:INFO,turn:DEBUG', after: 'all:INFO,turn:WARN', effect: 'update' }],
    ['log_format: json', 'log_format: text', { path: 'admin.log_format', before: 'json', after: 'text', effect: 'update' }],
    ['8080/metrics', '8081/metrics', { path: 'admin.metrics_endpoint', before: 'http://127.0.0.1:8080/metrics', after: 'http://127.0.0.1:8081/metrics', effect: 'reopen' }],
    ['http://127.0.0.1:8086', '""', { path: 'admin.healthcheck_endpoint', before: 'http://127.0.0.1:8086/', after: '', effect: 'reopen' }],
    ['https://127.0.0.1:8087', 'https://[::1]:8087', { path: 'admin.api_endpoint', before: 'https://127.0.0.1:8087/', after: 'https://[::1]:8087/', effect: 'reopen' }],
    ['hidden-token-0123456789', 'hidden-token-9876543210', { path: 'admin.api_token', before: '***', after: '***', effect: 'update' }],
    ['  api_token: hidden-token-0123456789\n', '', { path: 'admin.api_token', before: '***', after: undefined, effect: 'update' }],
    ['hidden-api-phrase', 'other', { path: 'admin.api_tls.key_passphrase', before: '***', after: '***', effect: 'update' }],
    ['user_quota: 10', 'user_quota: 11', { path: 'admin.user_quota', before: 10, after: 11, effect: 'update' }],
    ['drain_timeout: 1h', 'drain_timeout: 0', { path: 'admin.drain_timeout', before: '1h', after: '0s', effect: 'update' }],
    ['[192.0.2.7]', '["[2001:db8::7]"]', { path: 'admin.alternate_servers', before: ['192.0.2.7:3478'], after: ['[2001:db8::7]:3478'], effect: 'update' }],
    ['ready_fill_max: 0.9', 'ready_fill_max: 0.8', { path: 'admin.ready_fill_max', before: 0.9, after: 0.8, effect: 'update' }],

    ['realm: example.org', 'realm: example.com', { path: 'auth.realm', before: 'example.org', after: 'example.com', effect: 'update' }],
    ['hidden-secret-of-old', 'hidden-secret-of-new', { path: 'auth.credentials.secrets', before: ['***', '***'], after: ['***', '***'], effect: 'update' }],
    [', hidden-secret-of-old', '', { path: 'auth.credentials.secrets', before: ['***', '***'], after: ['***'], effect: 'update' }],
    ['hidden-bob', 'hidden-robert', { path: 'auth.users.bob.password', before: '***', after: '***', effect: 'update' }],
    [', routes: [media] }, {', ' }, {', { path: 'auth.users.alice.routes', before: ['media'], after: undefined, effect: 'update' }],
    [', { username: bob, password: hidden-bob }', '', { path: 'auth.users.bob', before: { username: 'bob', password: '***' }, after: undefined, effect: 'update' }],
    ['on_expiry: close', 'on_expiry: keep', { path: 'auth.on_expiry', before: 'close', after: 'keep', effect: 'update' }],

    ['https://127.0.0.1:8088', 'https://127.0.0.1:8089', { path: 'ice.endpoint', before: 'https://127.0.0.1:8088/', after: 'https://127.0.0.1:8089/', effect: 'reopen' }],
    ['hidden-key', 'hidden-lock', { path: 'ice.api_keys', before: ['***'], after: ['***'], effect: 'update' }],
    ['client_crl_file: [crl] }\n', 'client_crl_file: [] }\n', { path: 'ice.tls.client_crl_file', before: ['crl'], after: [], effect: 'update' }],
    ['a@b.example', 'b@b.example', { path: 'acme.email', before: 'a@b.example', after: 'b@b.example', effect: 'update' }],

    ['port: 3478', 'port: 3479', { path: 'listeners.udp.port', before: 3478, after: 3479, effect: 'reopen' }],
    ['bind: 0.0.0.0', 'bind: "::"', { path: 'listeners.udp.bind', before: '0.0.0.0', after: '::', effect: 'reopen' }],
    ['protocol: UDP', 'protocol: DTLS, cert_file: a, key_file: b', { path: 'listeners.udp.protocol', before: 'TURN-UDP', after: 'TURN-DTLS', effect: 'reopen' }],
    ['address: 10.0.0.5', 'address: 10.0.0.6', { path: 'listeners.udp.address', before: '10.0.0.5', after: '10.0.0.6', effect: 'update' }],
    ['public_address: a.example', 'public_address: b.example', { path: 'listeners.udp.public_address', before: 'a.example', after: 'b.example', effect: 'update' }],
    ['public_port: 1', 'public_port: 2', { path: 'listeners.udp.public_port', before: 1, after: 2, effect: 'update' }],
    ['      routes: [media] }\n', '      routes: [named] }\n', { path: 'listeners.udp.routes', before: ['media'], after: ['named'], effect: 'update' }],
    ['proxy_protocol: optional', 'proxy_protocol: required', { path: 'listeners["ns/gw/tls"].proxy_protocol', before: 'optional', after: 'required', effect: 'update' }],
    ['also_plain: true', 'also_plain: false', { path: 'listeners["ns/gw/tls"].also_plain', before: true, after: false, effect: 'update' }],
    ['hidden-phrase', 'other', { path: 'listeners["ns/gw/tls"].tls.key_passphrase', before: '***', after: '***', effect: 'update' }],
    [KEY, KEY.replace('TUlJ', 'TUlK'), { path: 'listeners.inline.key', before: '***', after: '***', effect: 'update' }],

    ['min_port: 50000', 'min_port: 50001', { path: 'relay.min_port', before: 50_000, after: 50_001, effect: 'update' }],
    ['advertise: discover', 'advertise: 192.0.2.1', { path: 'relay.addresses', before: [{ bind: '10.0.0.5', advertise: 'discover' }], after: [{ bind: '10.0.0.5', advertise: '192.0.2.1' }], effect: 'update' }],
    ['stun.example.org', 'stun.example.com', { path: 'relay.stun_servers', before: ['stun.example.org:3478'], after: ['stun.example.com:3478'], effect: 'update' }],
    ['2001:db8:64::/96', '2001:db8:65::/96', { path: 'relay.nat64_prefixes', before: ['2001:db8:64::/96'], after: ['2001:db8:65::/96'], effect: 'update' }],
    ['workers: 2', 'workers: 3', { path: 'relay.workers', before: 2, after: 3, effect: 'restart' }],
    ['workers: 2', 'workers: auto', { path: 'relay.workers', before: 2, after: 'auto', effect: 'restart' }],

    ['"10.0.0.0/24:<1-2>"', '"10.0.0.0/24:<1-3>"', { path: 'clusters.media.endpoints', before: ['10.0.0.0/24:1-2'], after: ['10.0.0.0/24:1-3'], effect: 'update' }],
    ['strict_channel_numbers: false', 'strict_channel_numbers: true', { path: 'strict_channel_numbers', before: false, after: true, effect: 'update' }],
    ['allocations_max: 5', 'allocations_max: 6', { path: 'limits.allocations_max', before: 5, after: 6, effect: 'update' }],
    ['allocations_max: 5', 'allocations_max: 5, handshakes_per_second: 6', { path: 'limits.handshakes_per_second', before: 2000, after: 6, effect: 'update' }],
    ['allocations_max: 5', 'allocations_max: 5, connections_per_address_max: 6', { path: 'limits.connections_per_address_max', before: 256, after: 6, effect: 'update' }],
  ]; // prettier-ignore
  for (const [from, to, change] of table) {
    const plan = planOf(from, to);
    t.strictSame(
      plan.find(({ path }) => path === change.path),
      change,
      change.path,
    );
    if (!to.startsWith('protocol') && !to.includes('192.0.2.1')) t.equal(plan.length, 1, pathsOf(plan).join()); // prettier-ignore
    t.notMatch(JSON.stringify(plan), /hidden|TUl/, 'no secret');
  }
  t.end();
});

t.test('nothing has changed', (t) => {
  const plan = planReload(base, configOf(BASE));
  t.same(plan, []);
  const minimal = 'version: v1\nauth: { type: none }\n';
  const named = `${minimal}admin: { healthcheck_endpoint: "http://:8086", api_endpoint: "http://127.0.0.1:8087" }`;
  t.same(planReload(configOf(minimal), configOf(named)), [], 'defaults that are named');
  t.end();
});

t.test('objects that come, go and move', (t) => {
  const added = planOf(
    'relay:\n',
    '  - { name: new.one, protocol: tls, port: 9, tls: { certificate: generated } }\nrelay:\n',
  );
  t.same(pathsOf(added), ['listeners["new.one"]']);
  t.match(added[0], {
    before: undefined,
    after: { name: 'new.one', port: 9, tls: { certificate: 'generated' } },
    effect: 'update',
  });
  const removed = planOf(/ {2}- \{ name: named.*\n/, '');
  t.same(pathsOf(removed), ['clusters.named']);
  t.match(removed, [{ before: { name: 'named', type: 'STRICT_DNS' }, after: undefined }]);

  const withoutIce = planOf(/ice:\n(?: .*\n)*/, '');
  t.same(pathsOf(withoutIce), ['ice']);
  t.match(withoutIce, [{ before: { api_keys: ['***'] }, after: undefined }]);
  const withoutAcme = planOf(/acme:.*\n/, '');
  t.same(pathsOf(withoutAcme), ['acme']);

  const moved = planOf(/( {2}- \{ name: media.*\n)( {2}- .*\n)/, '$2$1');
  t.same(moved, [{ path: 'clusters', before: ['media', 'named'], after: ['named', 'media'], effect: 'update' }]); // prettier-ignore
  const users = planOf(/\[(\{ username: alice.*\}), (\{ username: bob.*\})\]/, '[$2, $1]');
  t.same(users, [{ path: 'auth.users', before: ['alice', 'bob'], after: ['bob', 'alice'], effect: 'update' }]); // prettier-ignore
  const renamed = planOf('name: udp,', 'name: udp2,');
  t.same(pathsOf(renamed), ['listeners.udp', 'listeners.udp2'], 'a new name is a new listener');
  t.end();
});

t.test('changes come in the order of the file, what is gone behind what it followed', (t) => {
  const head = 'version: v1\nauth: { type: none }\n';
  const clusters = (names: string): string =>
    `${head}clusters: [${names
      .split('')
      .map((name) => `{ name: ${name} }`)
      .join(', ')}]\n`;
  const table: readonly [string, string, string[]][] = [
    ['abc', 'xbz', ['a', 'x', 'c', 'z']],
    ['abc', '', ['a', 'b', 'c']],
    ['', 'cab', ['c', 'a', 'b']],
    ['abcd', 'ad', ['b', 'c']],
    ['ad', 'abcd', ['b', 'c']],
  ];
  for (const [before, after, names] of table) {
    const plan = planReload(configOf(clusters(before)), configOf(clusters(after)));
    t.same(pathsOf(plan), names.map((name) => `clusters.${name}`), `${before} to ${after}`); // prettier-ignore
  }
  const all = configOf(`${head}limits: { allocations_max: 7 }\nrelay: { workers: 9 }\nadmin: { name: x, api_endpoint: "" }`); // prettier-ignore
  const some = planReload(configOf(head), all);
  t.same(pathsOf(some), ['admin.name', 'admin.api_endpoint', 'relay.workers', 'limits.allocations_max']); // prettier-ignore
  const odd = planReload(configOf(head), configOf(clusters('').replace('[]', '[{ name: __proto__ }, { name: constructor }]'))); // prettier-ignore
  t.same(pathsOf(odd), ['clusters.__proto__', 'clusters.constructor'], 'names are only names');
  t.end();
});

t.test('the number of workers that auto stands for', (t) => {
  const auto = configOf(BASE.replace('workers: 2', 'workers: auto'));
  const effectOf = (plan: readonly ConfigChange[]): unknown[] => plan.map(({ effect }) => effect);
  t.same(effectOf(planReload(base, auto, 2)), ['update'], 'the same number');
  t.same(effectOf(planReload(auto, base, 2)), ['update']);
  t.same(effectOf(planReload(base, auto, 4)), ['restart']);
  t.same(effectOf(planReload(base, auto)), ['restart'], 'not known');
  t.same(effectOf(planReload(auto, auto)), []);
  t.end();
});

t.test('no field of a configuration escapes the plan', (t) => {
  const leaves = leavesOf(base);
  t.ok(leaves.length > 120, `${leaves.length} leaves`);
  for (const path of leaves) expectFound(t, path);
  t.end();
});

/** Changes one leaf of the base, valid or not, and expects the plan to know. */
function expectFound(t: Test, path: readonly string[]): void {
  const changed: unknown = structuredClone(base);
  let parent = changed as Record<string, unknown>;
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<string, unknown>;
  const key = path.at(-1) ?? '';
  parent[key] = otherThan(parent[key]);
  const changes = planReload(base, changed as GatewayConfig);
  t.not(changes.length, 0, path.join('.'));
  t.notMatch(JSON.stringify(changes), /hidden|TUl/, `no secret in ${path.join('.')}`);
}

/** What the file says otherwise: with TLS on a listener, `kind` decides which of the other fields there are. */
function leavesOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return value === undefined ? [] : [path];
  return Object.entries(value)
    .filter(([key, child]) => key !== 'kind' && !isMeaningless(key, child, value))
    .flatMap(([key, child]) => leavesOf(child, [...path, key]));
}

/** A PROXY header has no place on datagrams; an empty list has no leaves. */
function isMeaningless(key: string, child: unknown, owner: object): boolean {
  const { protocol } = owner as { protocol?: string };
  const isDatagram = protocol === 'udp' || protocol === 'dtls';
  const isPlain = 'tls' in owner && owner.tls === undefined;
  return (isDatagram && key === 'proxyProtocol') || (isPlain && key === 'alsoPlain' && child === false); // prettier-ignore
}

function otherThan(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  return `${String(value)}x`;
}
