import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import t, { type Test } from 'tap';
import { parse as parseYaml, stringify } from 'yaml';
import { checkConfig, formatConfig, schema, showConfig } from '../../src/cli/config-commands.ts';
import { defaultConfigText } from '../../src/config/defaults.ts';
import type { GatewayConfig, HttpEndpoint } from '../../src/config/gateway-config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { oneLineConfig } from '../../src/config/one-line-config.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { redactConfig } from '../../src/config/redact.ts';
import { MASK } from '../../src/config/redact-values.ts';
import { jsonSchema } from '../../src/config/schema.ts';
import { GatewayError } from '../../src/errors.ts';

const EXAMPLE = 'config/turnpike.example.yaml';
const TLS_EXAMPLE = 'config/tls.example.yaml';
const STUNNER_EXAMPLE = 'config/stunner-v1.example.yaml';

interface SchemaNode {
  readonly description?: string;
  readonly properties?: Record<string, SchemaNode>;
  readonly items?: SchemaNode;
}

function configOf(text: string): GatewayConfig {
  const options = { fileName: 'text', environment: {}, readFile: () => 'unused' };
  const result = parseConfig(text, options);
  if ('config' in result) return result.config;
  throw new Error(`unexpected problems: ${JSON.stringify(result.problems)}`);
}

function errorOf(action: () => unknown): GatewayError {
  try {
    action();
  } catch (error) {
    if (error instanceof GatewayError) return error;
  }
  throw new Error('expected a GatewayError');
}

t.test('the default configuration stays on loopback', (t) => {
  const secret = 'a "quoted" ${secret} of $16 bytes';
  const config = configOf(defaultConfigText(secret));
  t.same(config.auth.secrets, [secret]);
  t.equal(config.auth.type, 'ephemeral');
  expectList(t, config.listeners, [
    { protocol: 'udp', bind: '127.0.0.1', port: 3478, address: '127.0.0.1', routes: ['echo'] },
    { protocol: 'tcp', bind: '127.0.0.1', port: 3478, address: '127.0.0.1', routes: ['echo'] },
    { protocol: 'tls', bind: '127.0.0.1', port: 5349, address: '127.0.0.1', routes: ['echo'] },
  ]);
  t.same(config.listeners.map(({ tls }) => tls?.certificate.kind), [undefined, undefined, 'generated']); // prettier-ignore
  t.same(config.ice?.endpoint, { host: '127.0.0.1', port: 8088, path: '/' });
  t.same(config.relay.addresses, [{ bind: '127.0.0.1', advertise: '127.0.0.1' }]);
  t.same(config.clusters, [
    {
      name: 'echo',
      type: 'STATIC',
      protocol: 'udp',
      endpoints: [
        { host: '127.0.0.1', prefixLength: 32, minPort: 3490, maxPort: 3490 },
        { host: '127.0.0.1', prefixLength: 32, minPort: 3500, maxPort: 3519 },
      ],
      dangerouslyAllow: [{ address: '127.0.0.1', prefixLength: 32 }],
    },
  ]);
  const { metricsEndpoint, healthcheckEndpoint, apiEndpoint, echoEndpoint } = config.admin;
  t.same(metricsEndpoint, { host: '127.0.0.1', port: 8080, path: '/metrics' });
  t.same(healthcheckEndpoint, { host: '127.0.0.1', port: 8086, path: '/' });
  t.same(apiEndpoint, { host: '127.0.0.1', port: 8087, path: '/' });
  t.same(echoEndpoint, { host: '127.0.0.1', port: 8089, path: '/whip' });
  t.end();
});

t.test('one-line configurations', (t) => {
  const config = oneLineConfig('turn://user1:passwd1@192.0.2.4:3479?transport=udp');
  expectList(t, config.listeners, [
    {
      name: 'default-listener',
      protocol: 'udp',
      bind: undefined,
      port: 3479,
      address: '192.0.2.4',
      publicAddress: '192.0.2.4',
      routes: ['allow-any'],
    },
  ]);
  expectList(t, config.clusters, [{ name: 'allow-any' }]);
  expectList(t, config.clusters[0]!.endpoints, [
    { host: '0.0.0.0', prefixLength: 0 },
    { host: '::', prefixLength: 0 },
  ]);
  t.equal(config.auth.type, 'static');
  expectList(t, config.auth.users, [{ username: 'user1', password: 'passwd1' }]);
  const good: readonly [string, object][] = [
    ['turn://u:p@192.0.2.4', { protocol: 'udp', port: 3478 }],
    ['turn://u:p@192.0.2.4?transport=TCP', { protocol: 'tcp' }],
    ['turn://u:p@127.0.0.1:5000', { bind: '127.0.0.1', address: '127.0.0.1' }],
    ['turn://u:p@localhost', { bind: '127.0.0.1' }],
    ['turn://u:p@[::1]:5000', { bind: '::1', address: '::1', port: 5000 }],
    ['turn://u:p@192.0.2.4?transport=tls', { protocol: 'tls', port: 5349 }],
    [
      'turns://u:p@192.0.2.4',
      { protocol: 'tls', port: 5349, tls: { certificate: { kind: 'generated' } } },
    ],
    ['turns://u:p@192.0.2.4:443?transport=tcp', { protocol: 'tls', port: 443 }],
    [
      'turns://u:p@192.0.2.4?transport=udp',
      { protocol: 'dtls', port: 5349, tls: { certificate: { kind: 'generated' } } },
    ],
    ['turns://u:p@192.0.2.4?transport=DTLS', { protocol: 'dtls' }],
    ['turn://u:p@0.0.0.0', { address: undefined, publicAddress: undefined }],
  ];
  for (const [uri, listener] of good) expectList(t, oneLineConfig(uri).listeners, [listener], uri);
  const { users } = oneLineConfig('turn://a%40b:%24%7BX%7D%3A%2F$Y@192.0.2.4').auth;
  expectList(t, users, [{ username: 'a@b', password: '${X}:/$Y' }], 'percent-encoded');
  t.end();
});

t.test('one-line configurations that are refused', (t) => {
  const table: readonly [string, string][] = [
    ['nonsense', 'GW_ERR_USAGE'],
    ['http://u:hidden@192.0.2.4', 'GW_ERR_USAGE'],
    ['https://u:hidden@192.0.2.4?transport=tls', 'GW_ERR_USAGE'],
    ['turn://192.0.2.4', 'GW_ERR_USAGE'],
    ['turn://u@192.0.2.4', 'GW_ERR_USAGE'],
    ['turn://:hidden@192.0.2.4', 'GW_ERR_USAGE'],
    ['turn:192.0.2.4:3478', 'GW_ERR_USAGE'],
    ['turn://u:hidden@example.org', 'GW_ERR_USAGE'],
    ['turn://u:hidden@192.0.2.4:0', 'GW_ERR_USAGE'],
    ['turn://u:hidden@192.0.2.4:99999', 'GW_ERR_USAGE'],
    ['turn://u:hidden%zz@192.0.2.4', 'GW_ERR_USAGE'],
    ['turn://u:hidden@192.0.2.4/path', 'GW_ERR_USAGE'],
    ['turn://u:hidden@192.0.2.4#part', 'GW_ERR_USAGE'],
    ['turn://u:hidden@192.0.2.4?transport=sctp', 'GW_ERR_USAGE'],
    ['turn://u:hidden@192.0.2.4?x=1', 'GW_ERR_USAGE'],
    ['turn://u:hidden@192.0.2.4?transport=udp&transport=tcp', 'GW_ERR_USAGE'],
    ['turns://u:hidden@192.0.2.4?transport=sctp', 'GW_ERR_USAGE'],
    ['turns://u:hidden@example.org', 'GW_ERR_USAGE'],
  ];
  for (const [uri, code] of table) {
    const error = errorOf(() => oneLineConfig(uri));
    t.equal(error.code, code, uri);
    t.notMatch(error.message, /hidden/, 'no password in the message');
  }
  t.end();
});

t.test('the printable copy masks secrets and reads back to the same configuration', (t) => {
  const text = `version: v1
admin: { loglevel: "turn:DEBUG", metrics_endpoint: "http://[::1]:9090/m", healthcheck_endpoint: null,
  api_endpoint: "http://:8087", api_token: hidden-token-of-the-admin-api, user_quota: 3,
  echo_endpoint: "http://[fd00::7]/echo", drain_timeout: 90s,
  alternate_servers: [192.0.2.7, "[fd00::7]:5000"], ready_fill_max: 0.5 }
auth:
  type: ephemeral
  credentials: { secrets: [hidden-secret-one, hidden-secret-two] }
  users: [{ username: u, password: hidden-password, routes: [c] }]
  max_ttl: 90m
  on_expiry: refuse
ice: { endpoint: "http://:8088", api_keys: [hidden-key], cors: ["https://a.example"] }
listeners:
  - { name: a, protocol: udp, bind: "::1", address: fd00::1, public_address: discover, public_port: 1, routes: [c, d] }
  - { name: b, protocol: tls, cert: "-----BEGIN hidden-cert", key: "-----BEGIN hidden-tls-key" }
relay: { min_port: 2000, max_port: 3000, workers: 3, stun_servers: [stun.example, "[fd00::8]:9"],
  nat64_prefixes: ["2001:db8:64::/96", "2001:DB8::/32"],
  addresses: [{ bind: 10.0.0.1, advertise: discover }, { bind: fd00::1, advertise: fd00::2 }] }
clusters:
  - { name: c, endpoints: ["10.0.0.0/24:<5-6>", "fd00::1", "fd00::/64:7-7", "[fd00::2]:8"], dangerously_allow: ["::1"] }
  - { name: d, type: STRICT_DNS, protocol: tcp, endpoints: ["a.example:5", "b.example"] }
limits: { allocations_max: 1, allocations_per_address_max: 2, connections_per_address_max: 3, handshakes_per_second: 4,
  handshakes_per_second_per_address: 5, permissions_per_allocation_max: 6, channels_per_allocation_max: 7,
  bytes_per_second_per_allocation: 8, packets_per_second_per_allocation: 9, bytes_per_second_per_user: 10,
  packets_per_second_per_user: 11, over_user_quota: degrade, degraded_bytes_per_second: 1012,
  unauthenticated_per_second_per_address: 13 }
`;
  const config = configOf(text);
  for (const output of ['yaml', 'json', 'table'] as const) {
    t.notMatch(formatConfig(config, output), /hidden/, output);
    t.match(formatConfig(config, output), MASK, output);
  }
  const plain = { ...config, listeners: config.listeners.slice(0, 1) };
  const again = configOf(stringify(redactConfig(plain)).replaceAll(/"\*\*\*"/g, 'masked'));
  t.same(again, {
    ...plain,
    admin: { ...plain.admin, apiToken: 'masked' },
    auth: {
      ...plain.auth,
      secrets: ['masked'],
      users: [{ username: 'u', password: 'masked', routes: ['c'] }],
    },
    ice: { ...plain.ice, apiKeys: ['masked'] },
  });
  t.end();
});

t.test('the JSON Schema describes every key and is what editors get', (t) => {
  const committed: unknown = JSON.parse(readFileSync('config/turnpike.schema.json', 'utf8'));
  t.same(committed, jsonSchema(), 'config/turnpike.schema.json is up to date');
  t.same(JSON.parse(schema().stdout), committed, 'config schema prints it');
  expectDescriptions(t, jsonSchema(), '');
  const ajv = new Ajv({ strict: false });
  const example: unknown = parseYaml(readFileSync(EXAMPLE, 'utf8'));
  t.ok(ajv.validate(jsonSchema(), example), 'the example is valid in an editor');
  t.notOk(ajv.validate(jsonSchema(), { version: 'v1', listener: [] }), 'and a slip is not');
  t.end();
});

t.test('the examples parse, and show every option', (t) => {
  for (const file of [EXAMPLE, TLS_EXAMPLE, STUNNER_EXAMPLE]) {
    const result = loadConfig(file, {});
    t.same('warnings' in result ? result.warnings : result.problems, [], file);
  }
  const text = readFileSync(EXAMPLE, 'utf8');
  for (const key of keysOf(jsonSchema())) {
    const isHere = new RegExp(`\\b${key}\\b`).test(text);
    t.ok(isHere || key === 'hmac', `the example names ${key}`);
  }
  const minimal = configOf('version: v1\nauth: { type: none }');
  const { limits, relay, strictChannelNumbers, auth, admin } = configOf(text);
  t.same({ limits, strictChannelNumbers }, { limits: minimal.limits, strictChannelNumbers: false });
  t.same({ ...relay, addresses: [] }, minimal.relay, 'defaults of relay');
  const shownAdmin = { ...admin, metricsEndpoint: undefined, apiTls: undefined };
  t.same(shownAdmin, withoutDefaultMarks(minimal.admin), 'defaults of admin');
  const shownAuth = { ...auth, type: 'static', secrets: [], users: [] };
  t.same({ ...minimal.auth, type: 'static' }, shownAuth, 'defaults of auth');
  t.end();
});

t.test('the configurations of the README parse', (t) => {
  const blocks = [...readFileSync('README.md', 'utf8').matchAll(/^```yaml\n(.*?)^```$/gms)];
  t.equal(blocks.length, 2);
  const rest = 'version: v1\nauth: { type: none }\nclusters: [{ name: media }]\n';
  for (const [, block = ''] of blocks) {
    const text = block.startsWith('version:') ? block : rest + block;
    const result = parseConfig(text, {
      fileName: 'README.md',
      environment: { TURN_SECRET: 'a-secret-for-tests-only' },
      readFile: () => 'unused',
    });
    t.same('warnings' in result ? result.warnings : result.problems, [], text);
  }
  t.end();
});

t.test('commands', (t) => {
  t.same(checkConfig(EXAMPLE, {}), { exitCode: 0, stdout: `${EXAMPLE}: ok\n`, stderr: '' });
  const missing = checkConfig('config/none.yaml', {});
  t.match(missing, { exitCode: 2, stdout: '', stderr: /^cannot read config\/none.yaml: ENOENT/ });
  const yaml = showConfig(STUNNER_EXAMPLE, 'yaml', {});
  t.match(yaml, { exitCode: 0, stdout: /realm: stunner.l7mp.io/, stderr: '' });
  const json = showConfig(STUNNER_EXAMPLE, 'json', {});
  t.same(JSON.parse(json.stdout), parseYaml(yaml.stdout), 'the same data in each form');
  const table = showConfig(STUNNER_EXAMPLE, 'table', {});
  t.match(table.stdout, /^listeners\[0\]\.port +3478$/m);
  t.match(table.stdout, /^auth\.users\[0\]\.password +\*\*\*$/m);

  const folder = t.testdir({
    'bad.yaml': 'version: v1\nauth: { type: none }\nlisteners: [{ name: a, port: 0 }]\nx: 1\n',
    'warn.yaml':
      'version: v1\nauth:\n  type: ephemeral\n  credentials: { secret_file: secrets/turn }\n',
    secrets: { turn: 'my-secret\n' },
  });
  const bad = checkConfig(`${folder}/bad.yaml`, {});
  t.equal(bad.exitCode, 2);
  t.equal(bad.stdout, '');
  expectList(t, bad.stderr.split('\n'), [
    `${folder}/bad.yaml:3:30: listeners[0].port: must be a whole number from 1 to 65535`,
    new RegExp(`^${folder}/bad.yaml:4:1: x: unknown key; accepted here: version`),
    '',
  ]);
  t.same(showConfig(`${folder}/bad.yaml`, 'yaml', {}), bad, 'show refuses what check refuses');
  const warn = checkConfig(`${folder}/warn.yaml`, {});
  t.equal(warn.exitCode, 0);
  t.match(warn.stderr, /warn.yaml:4:31: auth.credentials.secret_file: warning: is shorter than 16/);
  t.end();
});

/** The same endpoints, as if the file had named them. */
function withoutDefaultMarks(admin: GatewayConfig['admin']): GatewayConfig['admin'] {
  const named = (endpoint: HttpEndpoint | undefined): HttpEndpoint | undefined => {
    if (endpoint === undefined) return undefined;
    const { host, port, path } = endpoint;
    return { host, port, path };
  };
  return {
    ...admin,
    healthcheckEndpoint: named(admin.healthcheckEndpoint),
    apiEndpoint: named(admin.apiEndpoint),
  };
}

/** Compares the length too: `t.match` lets a list be longer than its pattern. */
function expectList(
  t: Test,
  found: readonly unknown[],
  expected: readonly unknown[],
  name = 'list',
): void {
  t.equal(found.length, expected.length, name);
  t.match(found, expected, name);
}

function expectDescriptions(t: Test, node: SchemaNode, path: string): void {
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    t.match(child.description, /\S.*\.$/, `${path}${key} has a description`);
    expectDescriptions(t, child, `${path}${key}.`);
    if (child.items !== undefined) expectDescriptions(t, child.items, `${path}${key}[].`);
  }
}

function keysOf(node: SchemaNode): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => [
    key,
    ...keysOf(child),
    ...(child.items === undefined ? [] : keysOf(child.items)),
  ]);
}
