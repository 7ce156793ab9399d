import t from 'tap';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import { parseConfig, type ParseResult } from '../../src/config/parse.ts';
import type { Problem } from '../../src/config/problems.ts';

const AUTH = 'version: v1\nauth: { credentials: { username: user-1, password: pass-1 } }\n';
const ALL_PORTS = { minPort: 1, maxPort: 65_535 };

interface Surroundings {
  readonly environment?: Record<string, string>;
  readonly files?: Record<string, string>;
}

function parse(text: string, { environment = {}, files = {} }: Surroundings = {}): ParseResult {
  return parseConfig(text, {
    fileName: 'test.yaml',
    environment,
    readFile(path) {
      const content = files[path];
      if (content === undefined) throw new Error(`ENOENT ${path}`);
      return content;
    },
  });
}

function configOf(text: string, surroundings?: Surroundings): GatewayConfig {
  const result = parse(text, surroundings);
  if ('config' in result) return result.config;
  throw new Error(`unexpected problems: ${JSON.stringify(result.problems)}`);
}

function problemsOf(text: string, surroundings?: Surroundings): readonly Problem[] {
  const result = parse(text, surroundings);
  return 'problems' in result ? result.problems : [];
}

function warningsOf(text: string, surroundings?: Surroundings): readonly Problem[] {
  const result = parse(text, surroundings);
  return 'warnings' in result ? result.warnings : [];
}

/** How long each list is: `t.match` lets a list be longer than its pattern. */
function lengthsOf(entries: object): Record<string, number> {
  const lists = Object.entries(entries).filter(([, value]) => Array.isArray(value));
  return Object.fromEntries(lists.map(([key, list]) => [key, (list as unknown[]).length]));
}

/** Line, column, path: everything but the wording. */
function placeOf({ line, column, path }: Problem): [number, number, string] {
  return [line, column, path];
}

t.test('a minimal file gets every default and is frozen', (t) => {
  const config = configOf(AUTH);
  t.same(config, {
    admin: {
      name: 'default-stunnerd',
      logLevels: { all: 'INFO' },
      logFormat: 'json',
      metricsEndpoint: undefined,
      healthcheckEndpoint: { host: '', port: 8086, path: '/', isDefault: true },
      apiEndpoint: { host: '127.0.0.1', port: 8087, path: '/', isDefault: true },
      apiToken: undefined,
      apiTls: undefined,
      echoEndpoint: undefined,
      userQuota: 0,
      drainTimeoutSeconds: 3600,
      alternateServers: [],
      readyFillMax: 0.95,
    },
    auth: {
      type: 'static',
      realm: 'stunner.l7mp.io',
      secrets: [],
      users: [{ username: 'user-1', password: 'pass-1', routes: undefined }],
      maxTtlSeconds: 86_400,
      onExpiry: 'close',
      algorithms: ['SHA-256', 'MD5'],
    },
    ice: undefined,
    acme: undefined,
    listeners: [],
    relay: {
      minPort: 49_152,
      maxPort: 65_535,
      addresses: [],
      stunServers: [],
      nat64Prefixes: [],
      workers: 'auto',
    },
    clusters: [],
    strictChannelNumbers: false,
    limits: {
      allocationsMax: 100_000,
      allocationsPerAddressMax: 200,
      connectionsPerAddressMax: 256,
      handshakesPerSecond: 2000,
      handshakesPerSecondPerAddress: 50,
      permissionsPerAllocationMax: 64,
      channelsPerAllocationMax: 256,
      bytesPerSecondPerAllocation: 6_250_000,
      packetsPerSecondPerAllocation: 0,
      bytesPerSecondPerUser: 0,
      packetsPerSecondPerUser: 0,
      overUserQuota: 'refuse',
      degradedBytesPerSecond: 16_000,
      unauthenticatedPerSecondPerAddress: 10,
    },
  });
  t.ok(isDeeplyFrozen(config), 'deeply frozen');
  t.end();
});

t.test('STUNner files run unchanged', (t) => {
  const sample = `version: v1
admin:
  name: my-gw
  loglevel: all:INFO
  metrics_endpoint: "http://0.0.0.0:8080/metrics"
  offload_engine: None
  offload_interfaces: [eth0]
  license_config: { key: k, hmac: h }
auth:
  type: static
  realm: stunner.l7mp.io
  credentials: { username: user-1, password: $ABC }
listeners:
  - name: default/udp-gateway/udp-listener
    protocol: TURN-UDP
    address: $STUNNER_ADDR
    port: 3478
    public_address: 1.2.3.4
    public_port: 3478
    routes: [ default/media-plane ]
clusters:
  - name: default/media-plane
    type: STATIC
    endpoints: [ "10.0.0.0/24:<10000-20000>", "10.1.2.3" ]
`;
  const environment = { STUNNER_ADDR: '10.0.0.5' };
  const config = configOf(sample, { environment });
  t.same(config.admin.metricsEndpoint, { host: '0.0.0.0', port: 8080, path: '/metrics' });
  t.equal(config.auth.users[0]?.password, '$ABC', 'a credential is not a variable');
  t.same(config.listeners, [
    {
      name: 'default/udp-gateway/udp-listener',
      protocol: 'udp',
      bind: undefined,
      port: 3478,
      address: '10.0.0.5',
      publicAddress: '1.2.3.4',
      publicPort: 3478,
      routes: ['default/media-plane'],
      tls: undefined,
      alsoPlain: false,
      proxyProtocol: 'off',
      proxyTrusted: [],
    },
  ]);
  t.same(config.clusters[0]?.endpoints, [
    { host: '10.0.0.0', prefixLength: 24, minPort: 10_000, maxPort: 20_000 },
    { host: '10.1.2.3', prefixLength: 32, ...ALL_PORTS },
  ]);
  t.same(warningsOf(sample, { environment }).map(placeOf), [
    [6, 3, 'admin.offload_engine'],
    [7, 3, 'admin.offload_interfaces'],
    [8, 3, 'admin.license_config'],
  ]);
  t.end();
});

t.test('the file that v1alpha1 daemons shipped with runs unchanged', (t) => {
  const sample = `version: v1alpha1
admin:
  name: stunnerd
  loglevel: $STUNNER_LOGLEVEL
  metrics_endpoint: "http://0.0.0.0:8080/metrics"
auth:
  type: $STUNNER_AUTH_TYPE
  realm: $STUNNER_REALM
  credentials:
    username: $STUNNER_USERNAME
    password: $STUNNER_PASSWORD
    secret: $STUNNER_SHARED_SECRET
clusters:
  - name: open-cluster
    type: STATIC
    endpoints:
      - "0.0.0.0/0"
listeners:
  - name: stunnerd-udp
    public_address: "$STUNNER_ADDR"
    address: "$STUNNER_ADDR"
    protocol: TURN-UDP
    port: $STUNNER_PORT
    min_relay_port: $STUNNER_MIN_PORT
    max_relay_port: $STUNNER_MAX_PORT
    routes:
      - open-cluster
`;
  const environment = {
    STUNNER_LOGLEVEL: 'all:TRACE',
    STUNNER_AUTH_TYPE: 'longterm',
    STUNNER_REALM: 'example.org',
    STUNNER_ADDR: '192.0.2.1',
    STUNNER_MIN_PORT: '10000',
    STUNNER_MAX_PORT: '20000',
  };
  const config = configOf(sample, { environment });
  t.equal(config.auth.type, 'ephemeral');
  t.same(config.auth.secrets, ['$STUNNER_SHARED_SECRET']);
  t.same(config.auth.users, []);
  t.equal(config.admin.logLevels['all'], 'TRACE');
  t.equal(config.listeners.length, 1);
  t.match(config.listeners, [{ port: 3478, address: '192.0.2.1', publicAddress: '192.0.2.1' }]);
  t.same(config.relay.minPort, 49_152, 'relay ports of listeners are dropped, as STUNner does');
  t.same(warningsOf(sample, { environment }).map(placeOf), [
    [24, 5, 'listeners[0].min_relay_port'],
    [25, 5, 'listeners[0].max_relay_port'],
  ]);
  const ports = { ...environment, STUNNER_PORT: 'x', STUNNER_PUBLIC_PORT: '5000' };
  t.equal(configOf(sample, { environment: ports }).listeners[0]?.port, 5000);
  const port = { ...environment, STUNNER_PORT: '4000' };
  t.equal(configOf(sample, { environment: port }).listeners[0]?.port, 4000);
  t.end();
});

t.test('accepted spellings', (t) => {
  const table: readonly [string, string, unknown, (config: GatewayConfig) => unknown][] = [
    ...['udp', 'TURN-UDP', 'turn-udp', 'Udp', '""'].map(listenerCase('udp')),
    ...['tcp', 'Turn-Tcp'].map(listenerCase('tcp')),
    ...['tls', 'TURN-TLS'].map(listenerCase('tls')),
    ['dtls', 'listeners: [{ name: a, protocol: TURN-DTLS, cert_file: c, key_file: k }]', 'dtls', protocolOf],
    ...['0.0.0.0', '""', '"::"', '__node_address_placeholder', ''].map(addressCase(undefined)),
    ...['localhost', '127.0.0.1'].map(addressCase('127.0.0.1')),
    ['address IPv6', 'listeners: [{ name: a, address: "FD00::0:1" }]', 'fd00::1', addressOf],
    ['bind', 'listeners: [{ name: a, bind: "::" }]', '::', (c) => c.listeners[0]?.bind],
    ['no bind', 'listeners: [{ name: a, bind: "" }]', undefined, (c) => c.listeners[0]?.bind],
    ['public host', 'listeners: [{ name: a, public_address: turn.example.org }]', 'turn.example.org', (c) => c.listeners[0]?.publicAddress],
    ['default port', 'listeners: [{ name: a }]', 3478, (c) => c.listeners[0]?.port],
    ['quoted port', 'listeners: [{ name: a, port: "5000" }]', 5000, (c) => c.listeners[0]?.port],
    ['numeric name', 'listeners: [{ name: 007 }]', '007', (c) => c.listeners[0]?.name],
    ['repeated routes', 'clusters: [{ name: c }]\nlisteners: [{ name: a, routes: [c, c] }]', ['c'], (c) => c.listeners[0]?.routes],
    ['null sections', 'listeners:\nclusters:\nrelay:\nice:\nadmin:', undefined, (c) => c.ice],
    ['cluster defaults', 'clusters: [{ name: c }]', { name: 'c', type: 'STATIC', protocol: 'udp', endpoints: [], dangerouslyAllow: [] }, (c) => c.clusters[0]],
    ['cluster type', 'clusters: [{ name: c, type: strict_dns, protocol: tcp }]', ['STRICT_DNS', 'tcp'], (c) => [c.clusters[0]?.type, c.clusters[0]?.protocol]],
    ['exceptions', 'clusters: [{ name: c, dangerously_allow: [127.0.0.1, 10.1.2.3/8] }]', [{ address: '127.0.0.1', prefixLength: 32 }, { address: '10.0.0.0', prefixLength: 8 }], (c) => c.clusters[0]?.dangerouslyAllow],
    ['metrics', 'admin: { metrics_endpoint: "http://:9090" }', { host: '', port: 9090, path: '/' }, (c) => c.admin.metricsEndpoint],
    ['metrics default port', 'admin: { metrics_endpoint: "http://127.0.0.1/m" }', { host: '127.0.0.1', port: 8080, path: '/m' }, (c) => c.admin.metricsEndpoint],
    ['metrics off', 'admin: { metrics_endpoint: "" }', undefined, (c) => c.admin.metricsEndpoint],
    ['health default port', 'admin: { healthcheck_endpoint: "http://127.0.0.1" }', 8086, (c) => c.admin.healthcheckEndpoint?.port],
    ['health off', 'admin: { healthcheck_endpoint: "" }', undefined, (c) => c.admin.healthcheckEndpoint],
    ['health null', 'admin: { healthcheck_endpoint: null }', undefined, (c) => c.admin.healthcheckEndpoint],
    ['log format', 'admin: { log_format: TEXT }', 'text', (c) => c.admin.logFormat],
    ['ice defaults', 'ice: {}', { endpoint: { host: '127.0.0.1', port: 8088, path: '/' }, tls: undefined, apiKeys: [], cors: [], compat: [] }, (c) => c.ice],
    ['compatible services', 'ice: { compat: [Twilio, MATRIX, twilio, ""] }', ['matrix', 'twilio'], (c) => c.ice?.compat],
    ['ice beyond loopback', 'ice: { endpoint: "http://:8088", api_keys: [k] }', ['k'], (c) => c.ice?.apiKeys],
    ['ice on IPv6 loopback', 'ice: { endpoint: "http://[::1]" }', { host: '::1', port: 8088, path: '/' }, (c) => c.ice?.endpoint],
    ['cors', 'ice: { cors: ["https://a.example:8443"] }', ['https://a.example:8443'], (c) => c.ice?.cors],
    ['relay', 'relay: { min_port: 2000, max_port: 2031, workers: 2, addresses: [{ bind: 10.0.0.5 }, { bind: "fd00::6", advertise: "2001:db8::6" }] }', { minPort: 2000, maxPort: 2031, workers: 2, addresses: [{ bind: '10.0.0.5', advertise: '10.0.0.5' }, { bind: 'fd00::6', advertise: '2001:db8::6' }], stunServers: [], nat64Prefixes: [] }, (c) => c.relay],
    ['workers', 'relay: { workers: "4" }', 4, (c) => c.relay.workers],
    ['strict channel numbers', 'strict_channel_numbers: true', true, (c) => c.strictChannelNumbers],
  ]; // prettier-ignore
  for (const [name, text, expected, pick] of table)
    t.same(pick(configOf(AUTH + text)), expected, name);
  t.end();
});

t.test('accepted authentication', (t) => {
  const secret = 'credentials: { secret: my-secret }';
  const table: readonly [string, object][] = [
    [`type: ephemeral, ${secret}`, { type: 'ephemeral', secrets: ['my-secret'], users: [] }],
    [`type: LongTerm, ${secret}`, { type: 'ephemeral' }],
    [`type: timewindowed, ${secret}`, { type: 'ephemeral' }],
    ['type: PLAINTEXT, credentials: { username: u, password: 0123 }', { type: 'static', users: [{ username: 'u', password: '0123' }] }],
    ['type: none', { type: 'none', users: [], secrets: [] }],
    ['type: ephemeral, credentials: { secrets: [new, old] }', { secrets: ['new', 'old'] }],
    ['type: ephemeral, credentials: { secret: new, secrets: [new, old] }', { secrets: ['new', 'old'] }],
    ['users: [{ username: a, password: b }]', { type: 'static', users: [{ username: 'a', password: 'b' }] }],
    [`type: ephemeral, ${secret}, users: [{ username: a, password: b }]`, { users: [{ username: 'a' }] }],
    [`type: ephemeral, ${secret}, max_ttl: 1h30m`, { maxTtlSeconds: 5400 }],
    [`type: ephemeral, ${secret}, max_ttl: 60`, { maxTtlSeconds: 60 }],
    [`type: ephemeral, ${secret}, algorithms: [md5, MD5]`, { algorithms: ['MD5'] }],
    [`type: ephemeral, ${secret}, realm: ""`, { realm: 'stunner.l7mp.io' }],
  ]; // prettier-ignore
  for (const [auth, expected] of table) {
    const found = configOf(`version: v1\nauth: { ${auth} }`).auth;
    t.match(found, expected, auth);
    t.match(lengthsOf(found), lengthsOf(expected), `${auth}: and no more`);
  }
  t.end();
});

t.test('every kind of problem has its exact position', (t) => {
  const table: readonly [string, [number, number, string], RegExp][] = [
    ['', [1, 1, ''], /is empty/],
    ['# nothing\n', [1, 1, ''], /is empty/],
    ['5', [1, 1, ''], /map/],
    ['[]', [1, 1, ''], /map/],
    ['version: "v1', [1, 13, ''], /./],
    ['auth: { type: none }\nversion: ${VERSION}', [2, 10, 'version'], /VERSION is not defined/],
    ['{ version: ${VERSION} }', [1, 13, ''], /quote/],
    ['version: v1\n---\nversion: v1\n', [2, 1, ''], /one YAML document/],
    ['version: v1\nadmin: *nowhere\n', [2, 8, ''], /^an alias without its anchor; quote text that starts with \*$/],
    ['version: v1\nadmin: !secret x\n', [2, 8, ''], /^YAML tags are not accepted; quote text that starts with !$/],
    ['version: v1\n? [a]\n: b', [2, 3, ''], /key must be text/],
    ['version: v1\n<<: 5', [1, 1, ''], /^what << names must be a map$/],
    ['auth: { type: none }', [1, 1, 'version'], /is missing; it must be v1 or v1alpha1/],
    ['version: v2\nauth: { type: none }', [1, 10, 'version'], /v1 or v1alpha1/],
    [`${AUTH}lisetners: []`, [3, 1, 'lisetners'], /did you mean listeners\?/],
    [`${AUTH}events: {}`, [3, 1, 'events'], /unknown key; accepted here: version, admin/],
    [`${AUTH}"__proto__": 1`, [3, 1, '__proto__'], /unknown key/],
    [`${AUTH}constructor: 1`, [3, 1, 'constructor'], /unknown key/],
    [`${AUTH}admin: 5`, [3, 8, 'admin'], /must be a map/],
    [`${AUTH}admin:\n  name: a\n  name: b`, [5, 3, 'admin.name'], /given twice, first on line 4/],
    [`${AUTH}admin: &a { name: *a }`, [3, 19, 'admin.name'], /contains itself/],
    [`${AUTH}admin: { loglevel: LOUD }`, [3, 20, 'admin.loglevel'], /scope:LEVEL/],
    [`${AUTH}admin: { log_format: xml }`, [3, 22, 'admin.log_format'], /json, text/],
    [`${AUTH}admin: { user_quota: -1 }`, [3, 22, 'admin.user_quota'], /from 0/],
    [`${AUTH}admin: { metrics_endpoint: "x" }`, [3, 28, 'admin.metrics_endpoint'], /URL/],
    [`${AUTH}admin: { healthcheck_endpoint: 5 }`, [3, 32, 'admin.healthcheck_endpoint'], /URL, empty text or null/],
    ['version: v1', [1, 1, 'auth.credentials.username'], /static needs/],
    ['version: v1\nauth: { type: static, credentials: { username: u } }', [2, 36, 'auth.credentials.password'], /password/],
    ['version: v1\nauth: { type: ephemeral }', [2, 7, 'auth.credentials.secret'], /needs secret/],
    ['version: v1\nauth: { type: ephemeral, credentials: { secret: "" } }', [2, 49, 'auth.credentials.secret'], /empty/],
    ['version: v1\nauth: { type: magic }', [2, 15, 'auth.type'], /static, ephemeral, none/],
    ['version: v1\nauth: { type: none, max_ttl: 1d }', [2, 30, 'auth.max_ttl'], /duration/],
    ['version: v1\nauth: { type: none, max_ttl: 0s }', [2, 30, 'auth.max_ttl'], /duration/],
    ['version: v1\nauth: { type: none, algorithms: [SHA-1] }', [2, 34, 'auth.algorithms[0]'], /SHA-256, MD5/],
    ['version: v1\nauth: { type: none, algorithms: [] }', [2, 33, 'auth.algorithms'], /at least one/],
    [`version: v1\nauth: { type: none, realm: ${'x'.repeat(764)} }`, [2, 28, 'auth.realm'], /763 bytes/],
    ['version: v1\nauth: { users: [{ username: a }] }', [2, 17, 'auth.users[0].password'], /is missing/],
    ['version: v1\nauth: { users: [{ username: a, password: b }, { username: a, password: c }] }', [2, 59, 'auth.users[1].username'], /taken by auth.users\[0\]/],
    ['version: v1\nauth: { users: [{ username: a, password: b, routes: [nowhere] }] }', [2, 54, 'auth.users[0].routes[0]'], /names no cluster/],
    [`${AUTH}listeners: 5`, [3, 12, 'listeners'], /must be a list/],
    [`${AUTH}listeners: [5]`, [3, 13, 'listeners[0]'], /must be a map/],
    [`${AUTH}listeners: [{}]`, [3, 13, 'listeners[0].name'], /is missing/],
    [`${AUTH}listeners: [{ name: "" }]`, [3, 21, 'listeners[0].name'], /1 to 253/],
    [`${AUTH}listeners:\n  - name:`, [4, 10, 'listeners[0].name'], /is missing/],
    [`${AUTH}listeners: [{ name: a, protocol: TURN-QUIC }]`, [3, 34, 'listeners[0].protocol'], /TURN-UDP, TURN-TCP/],
    [`${AUTH}listeners: [{ name: a, port: 0 }]`, [3, 30, 'listeners[0].port'], /from 1 to 65535/],
    [`${AUTH}listeners: [{ name: a, port: 65536 }]`, [3, 30, 'listeners[0].port'], /from 1 to 65535/],
    [`${AUTH}listeners: [{ name: a, port: 1.5 }]`, [3, 30, 'listeners[0].port'], /whole number/],
    [`${AUTH}listeners: [{ name: a, public_port: x }]`, [3, 37, 'listeners[0].public_port'], /whole number/],
    [`${AUTH}listeners: [{ name: a, bind: eth0 }]`, [3, 30, 'listeners[0].bind'], /IP address/],
    [`${AUTH}listeners: [{ name: a, address: example.org }]`, [3, 33, 'listeners[0].address'], /IP address/],
    [`${AUTH}listeners: [{ name: a, public_address: "a b" }]`, [3, 40, 'listeners[0].public_address'], /host name/],
    [`${AUTH}listeners:\n  - name: a\n    routes:\n      - nowhere`, [6, 9, 'listeners[0].routes[0]'], /there are no clusters/],
    [`${AUTH}clusters: [{ name: media }]\nlisteners: [{ name: a, routes: [meida] }]`, [4, 33, 'listeners[0].routes[0]'], /did you mean media\?/],
    [`${AUTH}clusters: [{ name: m }]\nlisteners: [{ name: a, routes: [constructor] }]`, [4, 33, 'listeners[0].routes[0]'], /clusters are m/],
    [`${AUTH}listeners: [{ name: a }, { name: a, port: 1 }]`, [3, 34, 'listeners[1].name'], /taken by listeners\[0\]/],
    [`${AUTH}clusters: [{ name: a }, { name: a }]`, [3, 33, 'clusters[1].name'], /taken by clusters\[0\]/],
    [`${AUTH}clusters: [{ name: [a] }, { name: b }]`, [3, 20, 'clusters[0].name'], /must be text/],
    [`${AUTH}clusters: [{ name: a, type: DYNAMIC }]`, [3, 29, 'clusters[0].type'], /STATIC, STRICT_DNS/],
    [`${AUTH}clusters: [{ name: a, endpoints: [10.0.0.1, example.org] }]`, [3, 45, 'clusters[0].endpoints[1]'], /STRICT_DNS/],
    [`${AUTH}clusters: [{ name: a, dangerously_allow: ["127.0.0.1:80"] }]`, [3, 43, 'clusters[0].dangerously_allow[0]'], /without ports/],
    [`${AUTH}relay: { min_port: 80 }`, [3, 20, 'relay.min_port'], /from 1024/],
    [`${AUTH}relay: { min_port: 5000, max_port: 4000 }`, [3, 36, 'relay.max_port'], /below relay.min_port/],
    [`${AUTH}relay: { min_port: 5000, max_port: 5010 }`, [3, 36, 'relay.max_port'], /at least 16/],
    [`${AUTH}relay: { min_port: 5000, max_port: 5031, workers: 4 }`, [3, 36, 'relay.max_port'], /at least 64/],
    [`${AUTH}relay: { workers: many }`, [3, 19, 'relay.workers'], /auto/],
    [`${AUTH}relay: { addresses: [{ bind: eth0 }] }`, [3, 30, 'relay.addresses[0].bind'], /IP address/],
    [`${AUTH}relay: { addresses: [{ advertise: 10.0.0.1 }] }`, [3, 22, 'relay.addresses[0].bind'], /is missing/],
    [`${AUTH}relay: { addresses: [{ bind: 0.0.0.0 }] }`, [3, 22, 'relay.addresses[0].advertise'], /IP address/],
    [`${AUTH}relay: { addresses: [{ bind: 10.0.0.1, advertise: "::1" }] }`, [3, 51, 'relay.addresses[0].advertise'], /family/],
    [`${AUTH}relay: { addresses: [{ bind: 10.0.0.1 }, { bind: 10.0.0.1 }] }`, [3, 50, 'relay.addresses[1].bind'], /twice/],
    [`${AUTH}relay: { addresses: [{ bind: 10.0.0.1 }, { bind: "::1" }, { bind: 10.0.0.2 }] }`, [3, 67, 'relay.addresses[2].bind'], /IPv4.*one address per family/],
    [`${AUTH}relay: { addresses: [{ bind: "fd00::1" }, { bind: "fd00::2" }] }`, [3, 51, 'relay.addresses[1].bind'], /IPv6.*one address per family/],
    [`${AUTH}ice: { endpoint: "http://0.0.0.0:8088" }`, [3, 18, 'ice.endpoint'], /set ice.api_keys/],
    [`${AUTH}ice: { endpoint: "http://:8088" }`, [3, 18, 'ice.endpoint'], /set ice.api_keys/],
    [`${AUTH}ice: { endpoint: "" }`, [3, 18, 'ice.endpoint'], /leave the ice section out/],
    [`${AUTH}ice: { api_keys: [""] }`, [3, 19, 'ice.api_keys[0]'], /empty/],
    [`${AUTH}ice: { cors: ["*"] }`, [3, 15, 'ice.cors[0]'], /exact origin/],
    [`${AUTH}ice: { cors: ["https://a.example/x"] }`, [3, 15, 'ice.cors[0]'], /exact origin/],
    [`${AUTH}ice: { compat: [jitsi] }`, [3, 17, 'ice.compat[0]'], /must be one of matrix, cloudflare, metered, twilio, xirsys/],
    [`${AUTH}ice: { compat: twilio }`, [3, 16, 'ice.compat'], /must be a list/],
    [`${AUTH}limits: { allocations_max: 0 }`, [3, 28, 'limits.allocations_max'], /from 1/],
    [`${AUTH}limits: { allocation_max: 1 }`, [3, 11, 'limits.allocation_max'], /did you mean allocations_max/],
    [`${AUTH}strict_channel_numbers: maybe`, [3, 25, 'strict_channel_numbers'], /true or false/],
  ]; // prettier-ignore
  for (const [text, place, message] of table) {
    const [first, ...others] = problemsOf(text);
    t.same(first && placeOf(first), place, JSON.stringify(text));
    t.match(first?.message, message, first?.message ?? 'no problem');
    t.equal(first?.file, 'test.yaml');
    const isOnlyOne = others.length === 0 || place[2] === '' || text === 'version: v1';
    t.ok(isOnlyOne, `no false alarms: ${JSON.stringify(others.map(placeOf))}`);
  }
  t.end();
});

t.test('all problems come at once, in the order of the text', (t) => {
  const text = `version: v3
admin: { name: [] , loglevel: x }
auth:
  type: static
listeners:
  - name: a
    port: 99999
    routes: [b]
    prot: 1
  - protocol: udp
  - name: a
    public_port: -1
    port: \${PORT}
clusters:
  - name: c
    endpoints: [x, 10.0.0.1, y]
`;
  t.same(problemsOf(text).map(placeOf), [
    [1, 10, 'version'],
    [2, 16, 'admin.name'],
    [2, 31, 'admin.loglevel'],
    [4, 3, 'auth.credentials.username'],
    [4, 3, 'auth.credentials.password'],
    [7, 11, 'listeners[0].port'],
    [8, 14, 'listeners[0].routes[0]'],
    [9, 5, 'listeners[0].prot'],
    [10, 5, 'listeners[1].name'],
    [11, 11, 'listeners[2].name'],
    [12, 18, 'listeners[2].public_port'],
    [13, 11, 'listeners[2].port'],
    [16, 17, 'clusters[0].endpoints[0]'],
    [16, 30, 'clusters[0].endpoints[2]'],
  ]);
  t.end();
});

t.test('sockets that cannot be opened together', (t) => {
  const clash: readonly [string, string | undefined][] = [
    ['{ name: a }, { name: b }', 'listeners[1].port'],
    ['{ name: a }, { name: b, protocol: tcp }', undefined],
    ['{ name: a }, { name: b, protocol: dtls, cert_file: c, key_file: k }', 'listeners[1].port'],
    ['{ name: a, protocol: tcp }, { name: b, protocol: tls, cert_file: c, key_file: k }', 'listeners[1].port'],
    ['{ name: a, bind: 10.0.0.1 }, { name: b, bind: 10.0.0.2 }', undefined],
    ['{ name: a, bind: 10.0.0.1 }, { name: b, bind: 10.0.0.1 }', 'listeners[1].port'],
    ['{ name: a, bind: "fd00::1" }, { name: b, bind: "FD00:0::1" }', 'listeners[1].port'],
    ['{ name: a, bind: 0.0.0.0 }, { name: b, bind: 10.0.0.2 }', 'listeners[1].port'],
    ['{ name: a, bind: 0.0.0.0 }, { name: b, bind: "::1" }', undefined],
    ['{ name: a, bind: 0.0.0.0 }, { name: b, bind: "::" }', undefined],
    ['{ name: a }, { name: b, bind: "::" }', 'listeners[1].port'],
    ['{ name: a, port: 1 }, { name: b, port: 2 }', undefined],
    ['{ name: a, protocol: tcp, port: 8086 }', undefined],
  ]; // prettier-ignore
  for (const [listeners, path] of clash) {
    const problems = problemsOf(`${AUTH}listeners: [${listeners}]`);
    t.same(problems.map((problem) => problem.path), path === undefined ? [] : [path], listeners); // prettier-ignore
  }
  t.match(problemsOf(`${AUTH}listeners: [{ name: a }, { name: b }]`)[0]?.message, /UDP port 3478 is taken by listeners\[0\].port/); // prettier-ignore
  const unnamed = problemsOf(`${AUTH}listeners: [{ port: 1 }, { name: a }, { name: b }]`);
  t.same(unnamed.map((problem) => problem.path), ['listeners[0].name', 'listeners[2].port'], 'indexes stay true'); // prettier-ignore
  t.end();
});

t.test('environment variables', (t) => {
  const environment = {
    NAME: 'n',
    PORT: '5000',
    EMPTY: '',
    YAML: 'a, port: 1 }]',
    QUOTE: '"\n- x',
  };
  const good: readonly [string, string, (config: GatewayConfig) => unknown][] = [
    ['admin: { name: "${NAME}" }', 'n', nameOf],
    ['admin: { name: "a-${NAME}-${PORT}" }', 'a-n-5000', nameOf],
    ['admin: { name: "${NONE:-x}" }', 'x', nameOf],
    ['admin: { name: "${EMPTY:-x}" }', 'x', nameOf],
    ['admin: { name: "${NAME:-x}" }', 'n', nameOf],
    ['admin: { name: "z${NONE:-}" }', 'z', nameOf],
    ['admin: { name: "$${NAME}" }', '${NAME}', nameOf],
    ['admin: { name: "$NAME" }', 'n', nameOf],
    ['admin: { name: "x$NAME" }', 'x$NAME', nameOf],
    ['admin: { name: "$name" }', '$name', nameOf],
    ['admin: { name: "${YAML}" }', 'a, port: 1 }]', nameOf],
    ['admin: { name: "${QUOTE}" }', '"\n- x', nameOf],
    ['admin: { user_quota: "${PORT}" }', '5000', (c) => String(c.admin.userQuota)],
    ['admin:\n  user_quota: ${PORT}', '5000', (c) => String(c.admin.userQuota)],
    ['strict_channel_numbers: ${NONE:-true}', 'true', (c) => String(c.strictChannelNumbers)],
  ]; // prettier-ignore
  for (const [text, expected, pick] of good) {
    t.equal(pick(configOf(AUTH + text, { environment })), expected, text);
  }
  const bad: readonly [string, [number, number, string], RegExp][] = [
    ['admin: { name: "${NONE}" }', [3, 16, 'admin.name'], /NONE is not defined/],
    ['admin: { name: $NONE }', [3, 16, 'admin.name'], /NONE is not defined/],
    [
      'admin: { name: "${constructor}" }',
      [3, 16, 'admin.name'],
      /^names an environment variable that is not defined; define it/,
    ],
    ['admin: { name: "${NAME" }', [3, 16, 'admin.name'], /broken variable/],
    ['admin: { name: "${}" }', [3, 16, 'admin.name'], /broken variable/],
    ['admin: { user_quota: "${NAME}" }', [3, 22, 'admin.user_quota'], /whole number/],
    ['admin: { user_quota: "${NONE}" }', [3, 22, 'admin.user_quota'], /NONE is not defined/],
    ['admin: { "${NAME}": x }', [3, 10, 'admin.***'], /unknown key/],
  ];
  for (const [text, place, message] of bad) {
    const problems = problemsOf(AUTH + text, { environment });
    t.same(problems.map(placeOf), [place], text);
    t.match(problems[0]?.message, message);
  }
  t.end();
});

t.test('a dollar in a secret survives, a braced variable does not', (t) => {
  const text = `version: v1
auth:
  credentials: { username: $USER, password: a$B$$c }
  users: [{ username: u, password: $ABC }, { username: v, password: "\${SECRET}" }]
ice: { api_keys: [$KEY] }
`;
  const { auth, ice } = configOf(text, { environment: { SECRET: '$ABC', USER: 'wrong' } });
  t.same(auth.users.map((user) => [user.username, user.password]), [['$USER', 'a$B$$c'], ['u', '$ABC'], ['v', '$ABC']]); // prettier-ignore
  t.same(ice?.apiKeys, ['$KEY']);
  t.end();
});

t.test('secrets in files', (t) => {
  const files = {
    pw: 'from file\n',
    crlf: 'x\r\n',
    two: 'new\n\nold\n',
    dollar: '${NOT}',
    empty: '\n',
  };
  const good: readonly [string, (auth: GatewayConfig) => unknown, unknown][] = [
    ['auth: { credentials: { username: u, password_file: pw } }', passwordOf, 'from file'],
    ['auth: { users: [{ username: u, password_file: crlf }] }', passwordOf, 'x'],
    ['auth: { users: [{ username: u, password_file: "${WHERE}" }] }', passwordOf, 'from file'],
    ['auth: { type: ephemeral, credentials: { secret_file: dollar } }', (c) => c.auth.secrets, ['${NOT}']],
    ['auth: { type: ephemeral, credentials: { secrets_file: two } }', (c) => c.auth.secrets, ['new', 'old']],
    ['auth: { type: none }\nice: { endpoint: "http://:1", api_keys_file: two }', (c) => c.ice?.apiKeys, ['new', 'old']],
  ]; // prettier-ignore
  for (const [text, pick, expected] of good) {
    t.same(pick(configOf(`version: v1\n${text}`, { files, environment: { WHERE: 'pw' } })), expected, text);
  } // prettier-ignore
  const bad: readonly [string, [number, number, string], RegExp][] = [
    ['auth: { credentials: { username: u, password_file: no } }', [2, 52, 'auth.credentials.password_file'], /^cannot read the file of that name$/],
    ['auth: { credentials: { username: u, password_file: empty } }', [2, 52, 'auth.credentials.password_file'], /is empty/],
    ['auth: { credentials: { username: u, password: x, password_file: pw } }', [2, 50, 'auth.credentials.password_file'], /next to password/],
    ['auth: { type: ephemeral, credentials: { secret_file: no } }', [2, 54, 'auth.credentials.secret_file'], /cannot read/],
    ['auth: { type: none }\nice: { endpoint: "http://:1", api_keys_file: no }', [3, 46, 'ice.api_keys_file'], /cannot read/],
  ]; // prettier-ignore
  for (const [text, place, message] of bad) {
    const problems = problemsOf(`version: v1\n${text}`, { files });
    t.same(problems.map(placeOf), [place], text);
    t.match(problems[0]?.message, message);
    t.notMatch(problems[0]?.message, /from file/, 'no secrets in messages');
  }
  t.end();
});

t.test('warnings', (t) => {
  const table: readonly [string, [number, number, string], RegExp][] = [
    ['auth: { type: ephemeral, credentials: { secret: my-secret } }', [2, 49, 'auth.credentials.secret'], /shorter than 16 bytes/],
    ['auth: { type: ephemeral, credentials: { secrets: [0123456789abcdef, short] } }', [2, 69, 'auth.credentials.secrets[1]'], /shorter/],
    [`auth: { type: none, realm: ${'r'.repeat(33)} }`, [2, 28, 'auth.realm'], /longer than 32/],
    ['auth: { type: none, users: [{ username: a, password: b }] }', [2, 28, 'auth.users'], /ignored/],
    ['auth: { type: none }\nlisteners: [{ name: a, address: __node_address_placeholder }]', [3, 33, 'listeners[0].address'], /placeholder/],
    ['auth: { type: none }\nlisteners: [{ name: a, min_relay_port: 32768 }]', [3, 24, 'listeners[0].min_relay_port'], /use relay.min_port/],
  ]; // prettier-ignore
  for (const [text, place, message] of table) {
    const warnings = warningsOf(`version: v1\n${text}`);
    t.same(warnings.map(placeOf), [place], text);
    t.match(warnings[0]?.message, message);
  }
  t.same(warningsOf(AUTH), []);
  t.end();
});

t.test('names that mean something to JavaScript are only names', (t) => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype']) {
    const config = configOf(`version: v1
auth: { users: [{ username: ${name}, password: ${name}, routes: [${name}] }] }
clusters: [{ name: ${name} }]
listeners: [{ name: ${name}, routes: [${name}] }]
admin: { loglevel: "${name}:WARN" }
`);
    t.equal(config.clusters[0]?.name, name);
    t.same(config.listeners[0]?.routes, [name]);
    t.match(config.auth.users[0], { username: name, routes: [name] });
    t.equal(config.admin.logLevels[name], 'WARN');
  }
  t.equal(Object.hasOwn(Object.prototype, 'WARN'), false);
  t.end();
});

t.test('JSON, anchors, merges, tabs, byte order mark and CRLF', (t) => {
  const json = { version: 'v1', auth: { type: 'none' }, listeners: [{ name: 'a', port: 5 }] };
  for (const indent of [undefined, 2, '\t']) {
    t.equal(configOf(JSON.stringify(json, undefined, indent)).listeners[0]?.port, 5);
  }
  const bad = JSON.stringify({ ...json, listeners: [{ name: 'a', port: 'x' }] }, undefined, '\t');
  t.same(problemsOf(bad).map(placeOf), [[9, 12, 'listeners[0].port']]);
  t.equal(configOf(`\uFEFF${AUTH.replaceAll('\n', '\r\n')}`).auth.type, 'static');
  const merged = `${AUTH}listeners:
  - &base { name: a, port: 1 }
  - <<: *base
    name: b
    port: 2
  - <<: *base
    name: c
`;
  t.same(problemsOf(merged).map(placeOf), [[8, 5, 'listeners[2].port']], 'nearest position');
  t.match(problemsOf('['.repeat(20_000)), [{ line: 1, message: 'nested too deeply' }]);
  const bomb = ['b', 'c', 'd', 'e', 'f'].reduce(
    (text, name, index, names) =>
      `${text}${name}: &${name} [${`*${names[index - 1] ?? 'a'},`.repeat(9)}]\n`,
    'a: &a [x,x,x,x,x,x,x,x,x]\n',
  );
  t.match(problemsOf(bomb), [{ line: 1, column: 1, message: /alias/ }]);
  t.end();
});

type Case = [string, string, unknown, (config: GatewayConfig) => unknown];

function listenerCase(expected: string): (word: string) => Case {
  return (word) => [`protocol ${word}`, `listeners: [{ name: a, protocol: ${word} }]`, expected, protocolOf]; // prettier-ignore
}

function addressCase(expected: string | undefined): (word: string) => Case {
  return (word) => [`address ${word}`, `listeners: [{ name: a, address: ${word} }]`, expected, addressOf]; // prettier-ignore
}

function protocolOf(config: GatewayConfig): unknown {
  return config.listeners[0]?.protocol;
}

function addressOf(config: GatewayConfig): unknown {
  return config.listeners[0]?.address;
}

function nameOf(config: GatewayConfig): unknown {
  return config.admin.name;
}

function passwordOf(config: GatewayConfig): unknown {
  return config.auth.users[0]?.password;
}

function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}
