import t from 'tap';
import { stringify } from 'yaml';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import { parseConfig, type ParseResult } from '../../src/config/parse.ts';
import type { Problem } from '../../src/config/problems.ts';
import { redactConfig } from '../../src/config/redact.ts';

const HEAD = 'version: v1\nauth: { type: none }\n';
const TOKEN = 'hidden-token-0123456789';
const PAIR = 'cert_file: c.crt, key_file: c.key';
const FILES: Readonly<Record<string, string>> = {
  token: `${TOKEN}\n`,
  empty: '\n',
  spaced: 'two words of a token\n',
};

function parse(text: string): ParseResult {
  return parseConfig(HEAD + text, {
    fileName: 'test.yaml',
    environment: { TOKEN, FILL: '0.5' },
    readFile(path) {
      const content = FILES[path];
      if (content === undefined) throw new Error(`ENOENT ${path}`);
      return content;
    },
    resolvePath: (path) => `/etc/${path}`,
  });
}

function configOf(text: string): GatewayConfig {
  const result = parse(text);
  if ('config' in result) return result.config;
  throw new Error(`unexpected problems: ${JSON.stringify(result.problems)}`);
}

function adminOf(entries: string): GatewayConfig['admin'] {
  return configOf(`admin: { ${entries} }`).admin;
}

/** Problems, or warnings where there are none. */
function remarksOf(text: string): { kind: string; remarks: readonly Problem[] } {
  const result = parse(text);
  return 'problems' in result
    ? { kind: 'problem', remarks: result.problems }
    : { kind: 'warning', remarks: result.warnings };
}

function placeOf({ line, column, path }: Problem): string {
  return `${line}:${column} ${path}`;
}

t.test('accepted values', (t) => {
  const table: readonly [string, (admin: GatewayConfig['admin']) => unknown, unknown][] = [
    ['name: a', (a) => a.apiEndpoint, { host: '127.0.0.1', port: 8087, path: '/', isDefault: true }],
    ['name: a', (a) => a.healthcheckEndpoint, { host: '', port: 8086, path: '/', isDefault: true }],
    ['api_endpoint: "http://127.0.0.1:8087"', (a) => a.apiEndpoint, { host: '127.0.0.1', port: 8087, path: '/' }],
    ['api_endpoint: "http://[::1]"', (a) => a.apiEndpoint, { host: '::1', port: 8087, path: '/' }],
    ['api_endpoint: "http://localhost:1/"', (a) => a.apiEndpoint, { host: 'localhost', port: 1, path: '/' }],
    ['healthcheck_endpoint: "http://:8086"', (a) => a.healthcheckEndpoint, { host: '', port: 8086, path: '/' }],
    ...['""', 'null', ''].map((off): [string, (admin: GatewayConfig['admin']) => unknown, unknown] =>
      [`api_endpoint: ${off}`, (a) => a.apiEndpoint, undefined]),
    [`api_endpoint: "http://:8087", api_token: ${TOKEN}`, (a) => [a.apiEndpoint?.host, a.apiToken], ['', TOKEN]],
    ['api_token: "${TOKEN}"', (a) => a.apiToken, TOKEN],
    ['api_token: "${NONE:-}"', (a) => a.apiToken, undefined],
    ['api_token: ""', (a) => a.apiToken, undefined],
    ['api_token: $TOKEN_ITSELF_IS_THIS', (a) => a.apiToken, '$TOKEN_ITSELF_IS_THIS'],
    ['api_token: "0123456789012345678"', (a) => a.apiToken, '0123456789012345678'],
    ['api_token_file: token', (a) => a.apiToken, TOKEN],
    [`api_endpoint: "https://127.0.0.1", api_tls: { ${PAIR} }`, (a) => a.apiTls?.certificate, { kind: 'files', certFile: '/etc/c.crt', keyFile: '/etc/c.key', passphrase: undefined }],
    ['api_endpoint: "https://127.0.0.1"', (a) => a.apiTls?.certificate, { kind: 'generated' }],
    [`api_endpoint: "https://:1", api_tls: { ${PAIR}, client_ca_file: ca }`, (a) => [a.apiTls?.clientAuth, a.apiToken], ['require', undefined]],
    ['name: a', (a) => a.echoEndpoint, undefined],
    ['echo_endpoint: "http://10.0.0.7/whip"', (a) => a.echoEndpoint, { host: '10.0.0.7', port: 8089, path: '/whip' }],
    ['drain_timeout: 90s', (a) => a.drainTimeoutSeconds, 90],
    ['drain_timeout: 0', (a) => a.drainTimeoutSeconds, 0],
    ['drain_timeout: 0s', (a) => a.drainTimeoutSeconds, 0],
    ['drain_timeout: 7', (a) => a.drainTimeoutSeconds, 7],
    ['drain_timeout: ""', (a) => a.drainTimeoutSeconds, 3600],
    ['drain_timeout: 168h', (a) => a.drainTimeoutSeconds, 604_800],
    ['alternate_servers: []', (a) => a.alternateServers, []],
    ['alternate_servers: ["192.0.2.7:5000", 192.0.2.8, "[2001:DB8::7]:5001", "[2001:db8::8]", "2001:db8::9"]', (a) => a.alternateServers, [
      { address: '192.0.2.7', port: 5000 }, { address: '192.0.2.8', port: 3478 }, { address: '2001:db8::7', port: 5001 },
      { address: '2001:db8::8', port: 3478 }, { address: '2001:db8::9', port: 3478 }]],
    ['alternate_servers: [192.0.2.8, "192.0.2.8:3478"]', (a) => a.alternateServers, [{ address: '192.0.2.8', port: 3478 }]],
    ['ready_fill_max: 1', (a) => a.readyFillMax, 1],
    ['ready_fill_max: 0.01', (a) => a.readyFillMax, 0.01],
    ['ready_fill_max: "0.5"', (a) => a.readyFillMax, 0.5],
    ['ready_fill_max: ".5"', (a) => a.readyFillMax, 0.5],
    ['ready_fill_max: "${FILL}"', (a) => a.readyFillMax, 0.5],
  ]; // prettier-ignore
  for (const [entries, pick, expected] of table) t.strictSame(pick(adminOf(entries)), expected, entries); // prettier-ignore
  const acme = 'acme: { domains: [a.example], accept_terms: true }\n';
  const withAcme = `${acme}admin: { api_endpoint: "https://127.0.0.1" }`;
  t.same(configOf(withAcme).admin.apiTls?.certificate, { kind: 'acme' });
  t.same(remarksOf(withAcme), { kind: 'warning', remarks: [] }, 'the acme section has its use');
  t.end();
});

t.test('every problem has its exact position, and there is no other', (t) => {
  const table: readonly [string, string, RegExp][] = [
    ['api_endpoint: x', '3:24 admin.api_endpoint', /must be a URL such as/],
    ['api_endpoint: 5', '3:24 admin.api_endpoint', /URL, empty text or null/],
    ['api_endpoint: "ftp://127.0.0.1"', '3:24 admin.api_endpoint', /must be a URL/],
    ['api_endpoint: "http://127.0.0.1:0"', '3:24 admin.api_endpoint', /port from 1 to 65535/],
    ['api_endpoint: "http://127.0.0.1/api"', '3:24 admin.api_endpoint', /must end after the port/],
    ['api_endpoint: "http://:8087"', '3:24 admin.api_endpoint', /everybody manage the gateway; set admin\.api_token/],
    ['api_endpoint: "http://0.0.0.0:8087", api_token: ""', '3:24 admin.api_endpoint', /set admin\.api_token/],
    ['api_endpoint: "http://10.0.0.1"', '3:24 admin.api_endpoint', /listen on loopback such as http:\/\/127\.0\.0\.1:8087/],
    ['api_endpoint: "http://turn.example.org"', '3:24 admin.api_endpoint', /set admin\.api_token/],
    ['api_endpoint: "http://:8087", api_token: "${NONE}"', '3:51 admin.api_token', /NONE is not defined/],
    ['api_endpoint: "http://:8087", api_token_file: none', '3:56 admin.api_token_file', /cannot read the file of that name/],
    ['api_endpoint: "http://:8087", api_token: [x]', '3:51 admin.api_token', /must be text/],
    [`api_endpoint: "https://:8087", api_tls: { ${PAIR} }`, '3:24 admin.api_endpoint', /require client certificates in admin\.api_tls/],
    [`api_endpoint: "https://:8087", api_tls: { ${PAIR}, client_ca_file: c, client_auth: request }`, '3:24 admin.api_endpoint', /require client/],
    [`api_token: ${TOKEN}, api_token_file: token`, '3:46 admin.api_token_file', /cannot stand next to api_token/],
    ['api_token_file: empty', '3:26 admin.api_token_file', /is empty/],
    ['api_token_file: spaced', '3:26 admin.api_token_file', /ASCII without spaces/],
    ['api_token: "two words of a token"', '3:21 admin.api_token', /ASCII without spaces/],
    ['api_token: schlüssel-der-verwaltung', '3:21 admin.api_token', /ASCII without spaces/],
    ['api_tls: {}', '3:10 admin.api_tls', /needs admin\.api_endpoint to be an https URL/],
    ['api_endpoint: "http://:1", api_tls: {}', '3:37 admin.api_tls', /needs admin\.api_endpoint to be an https URL/],
    ['api_endpoint: "https://[::1]", api_tls: { cert_file: c }', '3:52 admin.api_tls.cert_file', /needs key_file/],
    ['api_endpoint: "https://[::1]", api_tls: { client_auth: require }', '3:65 admin.api_tls.client_auth', /needs client_ca_file/],
    ['api_endpoint: "https://[::1]", api_tls: { termination: here }', '3:52 admin.api_tls.***', /unknown key/],
    ['api_endpoint: "https://[::1]", api_tls: { client_identities: [] }', '3:52 admin.api_tls.***', /unknown key/],
    ['api_endpoint: "https://[::1]", api_tls: { certificate: acme }', '3:65 admin.api_tls.certificate', /needs an acme section/],
    ['echo_endpoint: "https://10.0.0.7"', '3:25 admin.echo_endpoint', /must be plain HTTP/],
    ['echo_endpoint: "http://:8089"', '3:25 admin.echo_endpoint', /must name the host to ask/],
    ['drain_timeout: 1d', '3:25 admin.drain_timeout', /must be a duration/],
    ['drain_timeout: -1', '3:25 admin.drain_timeout', /must be a duration/],
    ['drain_timeout: 169h', '3:25 admin.drain_timeout', /at most 168h/],
    ['drain_timeout: 604801', '3:25 admin.drain_timeout', /at most 168h/],
    ['drain_timeout: 99999999999999999999h', '3:25 admin.drain_timeout', /at most 168h/],
    ['alternate_servers: 192.0.2.7', '3:29 admin.alternate_servers', /must be a list/],
    ...['turn.example.org', '192.0.2.7:0', '192.0.2.7:65536', '"192.0.2.7:"', '192.0.2', '0.0.0.0', '"[::]:1"', '"[192.0.2.7]:1"', '"[2001:db8::7"', '"turn:192.0.2.7"', '"fe80::1%eth0"', '""'].map((server): [string, string, RegExp] =>
      [`alternate_servers: [192.0.2.1, ${server}]`, '3:41 admin.alternate_servers[1]', /an IP address and port such as 192\.0\.2\.7:3478/]),
    ...['0', '0.001', '1.01', '-1', '.nan', '.inf', 'much', '"95%"', '95', 'true'].map((fill): [string, string, RegExp] =>
      [`ready_fill_max: ${fill}`, '3:26 admin.ready_fill_max', /a number from 0\.01 to 1$/]),
    ['drain_timout: 1h', '3:10 admin.drain_timout', /did you mean drain_timeout\?/],
  ]; // prettier-ignore
  for (const [entries, place, message] of table) {
    const { kind, remarks } = remarksOf(`admin: { ${entries} }`);
    t.same([kind, remarks.map(placeOf)], ['problem', [place]], entries);
    t.match(remarks[0]?.message, message, entries);
    t.notMatch(JSON.stringify(remarks), /hidden|two words|schlüssel/, 'no token');
  }
  t.end();
});

t.test('warnings', (t) => {
  const table: readonly [string, string, RegExp][] = [
    ['api_token: short-hidden', '3:21 admin.api_token', /shorter than 16 characters/],
    ['api_endpoint: "", api_token: ${TOKEN}'.replace('${TOKEN}', TOKEN), '3:28 admin.api_token', /no effect; admin\.api_endpoint is off/],
    ['api_endpoint: "", api_token_file: token', '3:28 admin.api_token_file', /no effect/],
    ['api_endpoint: null, api_tls: {}', '3:30 admin.api_tls', /no effect/],
    ['api_endpoint: "https://127.0.0.1"', '3:24 admin.api_endpoint', /for development only/],
  ]; // prettier-ignore
  for (const [entries, place, message] of table) {
    const { kind, remarks } = remarksOf(`admin: { ${entries} }`);
    t.same([kind, remarks.map(placeOf)], ['warning', [place]], entries);
    t.match(remarks[0]?.message, message, entries);
    t.notMatch(JSON.stringify(remarks), /hidden/, 'no token');
  }
  t.end();
});

t.test('a default endpoint gives way, one that is asked for does not', (t) => {
  const tcp = (rest: string): string => `listeners: [{ name: a, protocol: tcp, ${rest} }]`;
  const yields: readonly [string, string, 'healthcheckEndpoint' | 'apiEndpoint'][] = [
    [tcp('port: 8086'), '3:45 listeners[0].port', 'healthcheckEndpoint'],
    [tcp('port: 8086, bind: 10.0.0.1'), '3:45 listeners[0].port', 'healthcheckEndpoint'],
    [tcp('port: 8087'), '3:45 listeners[0].port', 'apiEndpoint'],
    [tcp('port: 8087, bind: 0.0.0.0'), '3:45 listeners[0].port', 'apiEndpoint'],
    ['admin: { metrics_endpoint: "http://127.0.0.1:8087" }', '3:28 admin.metrics_endpoint', 'apiEndpoint'],
    ['admin: { api_endpoint: "http://127.0.0.1:8086" }', '3:24 admin.api_endpoint', 'healthcheckEndpoint'],
    ['admin: { healthcheck_endpoint: "http://:8087" }', '3:32 admin.healthcheck_endpoint', 'apiEndpoint'],
    ['ice: { endpoint: "http://127.0.0.1:8087" }', '3:18 ice.endpoint', 'apiEndpoint'],
  ]; // prettier-ignore
  for (const [text, place, gone] of yields) {
    const { kind, remarks } = remarksOf(text);
    t.same([kind, remarks.map(placeOf)], ['warning', [place]], text);
    t.match(
      remarks[0]?.message,
      /^takes TCP port 808[67], the default of admin\.\w+, which is off/,
    );
    const { healthcheckEndpoint, apiEndpoint } = configOf(text).admin;
    const isGone = {
      healthcheckEndpoint: healthcheckEndpoint === undefined,
      apiEndpoint: apiEndpoint === undefined,
    };
    t.same(isGone, { healthcheckEndpoint: false, apiEndpoint: false, [gone]: true }, text);
  }
  const silent = [
    tcp('port: 8087, bind: 10.0.0.1'),
    tcp('port: 8087, bind: "::1"'),
    'listeners: [{ name: a, port: 8086 }, { name: b, port: 8087 }]',
  ];
  for (const text of silent) t.same(remarksOf(text).remarks, [], text);
  const clashes: readonly [string, string][] = [
    [`admin: { api_endpoint: "http://127.0.0.1:8087" }\n${tcp('port: 8087')}`, '3:24 admin.api_endpoint'],
    [`admin: { api_endpoint: "http://[::1]:1", metrics_endpoint: "http://[::1]:1" }`, '3:24 admin.api_endpoint'],
    [`admin: { api_endpoint: "http://[::1]:1" }\nice: { endpoint: "http://[::1]:1" }`, '4:18 ice.endpoint'],
    [`admin: { healthcheck_endpoint: "http://:8086" }\n${tcp('port: 8086')}`, '3:32 admin.healthcheck_endpoint'],
  ]; // prettier-ignore
  for (const [text, place] of clashes) {
    const { kind, remarks } = remarksOf(text);
    t.same([kind, remarks.map(placeOf)], ['problem', [place]], text);
    t.match(remarks[0]?.message, /^TCP port \d+ is taken by /, text);
  }
  t.end();
});

t.test('what is shown masks the token, names the scheme and reads back to the same', (t) => {
  const texts = [
    `api_endpoint: "https://:8443", api_token: ${TOKEN}, api_tls: { ${PAIR}, key_passphrase: hidden-too, client_ca_file: ca }, healthcheck_endpoint: "http://:8086"`,
    'api_endpoint: "", healthcheck_endpoint: "", drain_timeout: 0',
    'api_endpoint: "http://[::1]:1", healthcheck_endpoint: "http://[::1]:2", alternate_servers: ["2001:db8::7", "192.0.2.1:9"]',
  ];
  for (const entries of texts) {
    const config = configOf(`admin: { ${entries} }`);
    const shown = stringify(redactConfig(config));
    t.notMatch(shown, /hidden/, entries);
    const again = parseConfig(shown.replace('api_token: "***"', `api_token: ${TOKEN}`).replace('"***"', 'hidden-too'), {
      fileName: 'shown.yaml',
      environment: {},
      readFile: () => 'unused',
    }); // prettier-ignore
    t.strictSame('config' in again ? again.config : again.problems, config, entries);
  }
  const secure = configOf(`admin: { ${texts[0]} }`);
  t.match(redactConfig(secure), {
    admin: { api_endpoint: 'https://:8443/', api_token: '***', api_tls: { key_passphrase: '***' } },
  });
  t.match(redactConfig(configOf('')), {
    admin: { api_endpoint: 'http://127.0.0.1:8087/', healthcheck_endpoint: 'http://:8086/' },
  });
  t.end();
});
