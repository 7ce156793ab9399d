import t from 'tap';
import { stringify } from 'yaml';
import type { GatewayConfig, ListenerConfig, TlsConfig } from '../../src/config/gateway-config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { parseConfig, type ParseResult } from '../../src/config/parse.ts';
import type { Problem } from '../../src/config/problems.ts';
import { redactConfig } from '../../src/config/redact.ts';
import { MASK } from '../../src/config/redact-values.ts';

const HEAD = 'version: v1\nauth: { type: none }\nclusters: [{ name: media }]\n';
const ACME = 'acme: { domains: [a.example], accept_terms: true }\n';
const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----\n';
const KEY = '-----BEGIN PRIVATE KEY-----\nTUlJ\n-----END PRIVATE KEY-----\n';
const [CERTIFICATE_BASE64, KEY_BASE64] = [CERTIFICATE, KEY].map((pem) => Buffer.from(pem).toString('base64')) as [string, string]; // prettier-ignore
const FILES: Readonly<Record<string, string>> = { phrase: 'open\n', key: KEY, junk: 'junk' };

const CIPHERS =
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305';
const CIPHER_SUITES = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
const PAIR = 'cert_file: c.crt, key_file: c.key';
const PAIR_SOURCE = { kind: 'files', certFile: '/etc/c.crt', keyFile: '/etc/c.key', passphrase: undefined }; // prettier-ignore

function parse(text: string): ParseResult {
  return parseConfig(text, {
    fileName: 'test.yaml',
    environment: { PHRASE: 'from the environment' },
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

function listenerOf(entries: string, more = ''): ListenerConfig {
  const [listener] = configOf(`${HEAD}${more}listeners: [{ name: a, ${entries} }]`).listeners;
  if (listener === undefined) throw new Error('no listener');
  return listener;
}

function tlsOf(entries: string, more = ''): TlsConfig {
  const { tls } = listenerOf(`protocol: tls, ${entries}`, more);
  if (tls === undefined) throw new Error('no TLS');
  return tls;
}

/** Problems and warnings as `line:column path`, and their wording. */
function remarksOf(text: string): { problems: readonly Problem[]; warnings: readonly Problem[] } {
  const result = parse(text);
  return 'problems' in result
    ? { problems: result.problems, warnings: [] }
    : { problems: [], warnings: result.warnings };
}

function placeOf({ line, column, path }: Problem): string {
  return `${line}:${column} ${path}`;
}

t.test('a TLS listener gets every default', (t) => {
  for (const protocol of ['TURN-TLS', 'dtls']) {
    t.same(listenerOf(`protocol: ${protocol}, tls: { ${PAIR} }`), {
      name: 'a',
      protocol: protocol.toLowerCase().replace('turn-', ''),
      bind: undefined,
      port: 3478,
      address: undefined,
      publicAddress: undefined,
      publicPort: undefined,
      routes: [],
      tls: {
        certificate: PAIR_SOURCE,
        sni: [],
        minVersion: 'TLSv1.2',
        ciphers: CIPHERS,
        cipherSuites: CIPHER_SUITES,
        curves: 'X25519MLKEM768:X25519:P-256:P-384',
        clientAuth: 'none',
        clientCaFiles: [],
        clientCrlFiles: [],
        clientIdentities: [],
      },
      alsoPlain: false,
      proxyProtocol: 'off',
      proxyTrusted: [],
    });
  }
  t.end();
});

t.test('where a certificate comes from', (t) => {
  const inline = { kind: 'inline', certificatePem: CERTIFICATE, keyPem: KEY, passphrase: undefined }; // prettier-ignore
  const table: readonly [string, object, string?][] = [
    [`cert: ${CERTIFICATE_BASE64}, key: ${KEY_BASE64}`, inline],
    [`cert: "${CERTIFICATE_BASE64.replace(/(.{8})/g, '$1\\n')}", key: ${KEY_BASE64}`, inline],
    [`cert: ${JSON.stringify(CERTIFICATE)}, key: ${JSON.stringify(KEY)}`, inline],
    [`cert: ${CERTIFICATE_BASE64}, key_file: key`, { ...inline, keyPem: KEY.trimEnd() }],
    [`cert: ${CERTIFICATE_BASE64}, key: ${KEY_BASE64}, tls: { key_passphrase: "$ABC" }`, { ...inline, passphrase: '$ABC' }],
    [PAIR, PAIR_SOURCE],
    [`tls: { ${PAIR} }`, PAIR_SOURCE],
    [`tls: { ${PAIR}, key_passphrase: "\${PHRASE}" }`, { ...PAIR_SOURCE, passphrase: 'from the environment' }],
    [`${PAIR}, tls: { key_passphrase_file: phrase }`, { ...PAIR_SOURCE, passphrase: 'open' }],
    ['tls: { pkcs12_file: c.p12 }', { kind: 'pkcs12', file: '/etc/c.p12', passphrase: undefined }],
    ['tls: { pkcs12_file: c.p12, key_passphrase: x }', { kind: 'pkcs12', file: '/etc/c.p12', passphrase: 'x' }],
    ['tls: {}', { kind: 'generated' }],
    ['cert: "", key: ""', { kind: 'generated' }],
    ['tls: { certificate: Generated }', { kind: 'generated' }],
    ['tls: {}', { kind: 'acme' }, ACME],
    ['tls: { certificate: acme }', { kind: 'acme' }, ACME],
    ['tls: { certificate: generated }', { kind: 'generated' }, ACME],
    [PAIR, PAIR_SOURCE, ACME],
  ]; // prettier-ignore
  for (const [entries, source, more] of table) {
    t.same(tlsOf(entries, more).certificate, source, `${entries} ${more ?? ''}`);
  }
  const { sni } = tlsOf(
    `${PAIR}, tls: { sni: [{ names: ["*.A.example.", b.example], ${PAIR} }, { pkcs12_file: c.p12, key_passphrase: x }] }`,
  );
  t.same(sni, [
    { names: ['*.a.example', 'b.example'], source: PAIR_SOURCE },
    { names: [], source: { kind: 'pkcs12', file: '/etc/c.p12', passphrase: 'x' } },
  ]);
  t.end();
});

t.test('files are relative to the folder of the configuration, and not opened', (t) => {
  const folder = t.testdir({
    'a.yaml': `${HEAD}listeners: [{ name: a, protocol: tls, tls: { cert_file: tls/a.crt, key_file: /k, client_ca_file: ../ca } }]`,
  });
  const result = loadConfig(`${folder}/a.yaml`, {});
  t.match('config' in result && result.config.listeners[0]?.tls, {
    certificate: { certFile: `${folder}/tls/a.crt`, keyFile: '/k' },
    clientCaFiles: [folder.replace(/[^/]+$/, 'ca')],
  });
  t.end();
});

t.test('policy', (t) => {
  const table: readonly [string, Partial<TlsConfig>][] = [
    ['min_version: tlsv1.3', { minVersion: 'TLSv1.3' }],
    ['min_version: ""', { minVersion: 'TLSv1.2' }],
    ['ciphers: "ECDHE+AESGCM:!aNULL"', { ciphers: 'ECDHE+AESGCM:!aNULL', cipherSuites: CIPHER_SUITES }],
    ['ciphers: TLS_AES_256_GCM_SHA384', { ciphers: CIPHERS, cipherSuites: 'TLS_AES_256_GCM_SHA384' }],
    ['ciphers: "TLS_B:ECDHE+CHACHA20, TLS_A"', { ciphers: 'ECDHE+CHACHA20', cipherSuites: 'TLS_B:TLS_A' }],
    ['ciphers: ""', { ciphers: CIPHERS, cipherSuites: CIPHER_SUITES }],
    ['curves: "X25519, P-256"', { curves: 'X25519:P-256' }],
    ['client_ca_file: ca', { clientAuth: 'require', clientCaFiles: ['/etc/ca'] }],
    ['client_ca_file: [a, b, a], client_crl_file: c, client_auth: REQUEST', { clientAuth: 'request', clientCaFiles: ['/etc/a', '/etc/b'], clientCrlFiles: ['/etc/c'] }],
    ['client_ca_file: [], client_auth: none', { clientAuth: 'none', clientCaFiles: [] }],
  ]; // prettier-ignore
  for (const [entries, expected] of table) {
    const found = tlsOf(`tls: { ${PAIR}, ${entries} }`);
    t.same({ ...found, ...expected }, found, entries);
  }
  t.end();
});

t.test('client identities', (t) => {
  const { clientIdentities } = tlsOf(`tls:
      { ${PAIR}, client_ca_file: ca, client_identities: [
        { subject: CN=alice },
        { subject: "O=Example, OU=edge", user: "edge-{CN}", routes: [media, media] },
        { subject: "DNS:*.edge.example", routes: [] },
        { subject: "URI:spiffe://a.example/b", user: "" },
        { subject: "1.2.3.4=x, o=Example\\\\, Inc.,email:a@b.example" },
        { subject: 'email:"a\\,b"@c.example,CN=x\\\\,OU=y' },
        { subject: "*" } ] }`);
  t.same(clientIdentities, [
    { subject: 'CN=alice', userId: undefined, routes: undefined },
    { subject: 'O=Example, OU=edge', userId: 'edge-{CN}', routes: ['media'] },
    { subject: 'DNS:*.edge.example', userId: undefined, routes: [] },
    { subject: 'URI:spiffe://a.example/b', userId: undefined, routes: undefined },
    {
      subject: '1.2.3.4=x, o=Example\\, Inc.,email:a@b.example',
      userId: undefined,
      routes: undefined,
    },
    {
      subject: 'email:"a\\,b"@c.example,CN=x\\\\,OU=y',
      userId: undefined,
      routes: undefined,
    },
    { subject: '*', userId: undefined, routes: undefined },
  ]);
  t.end();
});

t.test('TLS at the load balancer, plain beside it, and the PROXY protocol', (t) => {
  const upstream = listenerOf('protocol: tls, port: 3480, tls: { termination: UPSTREAM }');
  t.match(upstream, { protocol: 'tls', tls: undefined, alsoPlain: false });
  t.match(listenerOf(`protocol: tls, ${PAIR}, tls: { termination: here }`).tls, { sni: [] });
  t.equal(listenerOf(`protocol: dtls, ${PAIR}, also_plain: true`).alsoPlain, true);
  t.equal(listenerOf('protocol: udp, also_plain: false').alsoPlain, false);
  const proxies: readonly [string, string, object[]][] = [
    ['proxy_protocol: off', 'off', []],
    ['proxy_protocol: false', 'off', []],
    ['proxy_protocol: "false"', 'off', []],
    ['proxy_protocol: ""', 'off', []],
    ['proxy_protocol: Optional, proxy_trusted: [10.1.2.3/8]', 'optional', [{ address: '10.0.0.0', prefixLength: 8 }]],
    ['proxy_protocol: required, proxy_trusted: ["fd00::1", 192.0.2.1]', 'required', [{ address: 'fd00::1', prefixLength: 128 }, { address: '192.0.2.1', prefixLength: 32 }]],
  ]; // prettier-ignore
  for (const protocol of ['tcp', `tls, ${PAIR}`, 'tls, tls: { termination: upstream }']) {
    for (const [entries, proxyProtocol, proxyTrusted] of proxies) {
      const found = listenerOf(`protocol: ${protocol}, ${entries}`);
      t.same([found.proxyProtocol, found.proxyTrusted], [proxyProtocol, proxyTrusted], entries);
    }
  }
  t.equal(listenerOf('protocol: udp, proxy_protocol: off').proxyProtocol, 'off');
  t.end();
});

t.test('the ICE API over HTTPS', (t) => {
  const iceOf = (ice: string, more = '') => configOf(`${HEAD}${more}ice: { ${ice} }`).ice;
  const address = { host: '127.0.0.1', port: 8088, path: '/' };
  t.match(iceOf(`endpoint: "https://127.0.0.1", tls: { ${PAIR}, client_ca_file: ca }`), {
    endpoint: address,
    tls: { certificate: PAIR_SOURCE, clientAuth: 'require', clientIdentities: [] },
  });
  t.match(iceOf('endpoint: "HTTPS://127.0.0.1"')?.tls, { certificate: { kind: 'generated' } });
  t.match(iceOf('endpoint: "https://127.0.0.1"', ACME)?.tls, { certificate: { kind: 'acme' } });
  t.equal(iceOf('endpoint: "http://127.0.0.1"', ACME)?.tls, undefined);
  const required = `endpoint: "https://:1", tls: { ${PAIR}, client_ca_file: ca }`;
  t.match(iceOf(required), { apiKeys: [], tls: { clientAuth: 'require' } }, 'instead of keys');
  t.end();
});

t.test('ACME', (t) => {
  const acmeOf = (acme: string) =>
    configOf(`${HEAD}listeners: [{ name: a, protocol: tls, port: 443 }]\nacme: { ${acme} }`).acme;
  const accepted = 'accept_terms: true, domains: [Turn.Example.org., b.example, b.example]';
  const defaults = {
    directory: 'https://acme-v02.api.letsencrypt.org/directory',
    domains: ['turn.example.org', 'b.example'],
    email: undefined,
    challenge: 'http-01',
    httpEndpoint: { host: '', port: 80, path: '/' },
    storage: '/etc//var/lib/turnpike/acme',
    caFile: undefined,
    renewBeforeSeconds: 30 * 24 * 3600,
  };
  t.same(acmeOf(accepted), defaults);
  t.same(
    acmeOf(`${accepted}, directory: "https://127.0.0.1:14000/dir", email: a@b.example,
      challenge: TLS-ALPN-01, http_endpoint: "http://127.0.0.1:5002", storage: acme, ca_file: ca.pem, renew_before: 1h`),
    {
      ...defaults,
      directory: 'https://127.0.0.1:14000/dir',
      email: 'a@b.example',
      challenge: 'tls-alpn-01',
      httpEndpoint: { host: '127.0.0.1', port: 5002, path: '/' },
      storage: '/etc/acme',
      caFile: '/etc/ca.pem',
      renewBeforeSeconds: 3600,
    },
  );
  t.end();
});

const listener = (entries: string): string => `listeners: [{ name: a, ${entries} }]`;
const tls = (entries: string): string => listener(`protocol: tls, tls: { ${PAIR}, ${entries} }`);
const acme = (entries: string): string =>
  `acme: { ${entries} }\n${listener('protocol: tls, port: 443')}`;

t.test('every problem has its exact position, and there is no other', (t) => {
  const table: readonly [string, string, RegExp][] = [
    [listener('tls: {}'), '4:24 listeners[0].tls', /needs protocol TURN-DTLS; this one is UDP/],
    [listener('protocol: tcp, tls: {}'), '4:39 listeners[0].tls', /needs protocol TURN-TLS/],
    [listener('protocol: quic, tls: {}'), '4:34 listeners[0].protocol', /must be one of TURN-UDP/],
    [listener('protocol: quic, also_plain: true, proxy_protocol: required, proxy_trusted: ["::1"]'), '4:34 listeners[0].protocol', /one of/],
    [listener('also_plain: true'), '4:24 listeners[0].also_plain', /a UDP listener is plain/],
    [listener('protocol: tcp, also_plain: true'), '4:39 listeners[0].also_plain', /a TCP listener is plain/],
    [listener(`protocol: tls, ${PAIR}, also_plain: maybe`), '4:86 listeners[0].also_plain', /true or false/],

    [listener(`protocol: tls, cert: ${CERTIFICATE_BASE64}`), '4:39 listeners[0].cert', /needs key next to it/],
    [listener('protocol: tls, key: k'), '4:39 listeners[0].key', /needs cert next to it/],
    [listener('protocol: tls, cert_file: c'), '4:39 listeners[0].cert_file', /needs key_file/],
    [listener('protocol: tls, tls: { key_file: c }'), '4:46 listeners[0].tls.key_file', /needs cert_file/],
    [listener(`protocol: tls, cert: junk, key: ${KEY_BASE64}`), '4:45 listeners[0].cert', /certificate as PEM text, or base64/],
    [listener(`protocol: tls, cert: ${CERTIFICATE_BASE64}, key_file: junk`), '4:137 listeners[0].key_file', /private key as PEM text, or base64/],
    [listener(`protocol: tls, cert: ${CERTIFICATE_BASE64}, key_file: none`), '4:137 listeners[0].key_file', /cannot read the file of that name/],
    [listener(`protocol: tls, cert: c, cert_file: c, key: ${KEY_BASE64}`), '4:48 listeners[0].cert_file', /next to cert;/],
    [listener(`protocol: tls, ${PAIR}, tls: { ${PAIR} }`), '4:81 listeners[0].tls.cert_file', /cannot stand next to listeners\[0\]\.cert_file/],
    [listener(`protocol: tls, cert: c, key: k, tls: { pkcs12_file: p }`), '4:63 listeners[0].tls.pkcs12_file', /cannot stand next to listeners\[0\]\.cert;/],
    [tls('pkcs12_file: p'), '4:81 listeners[0].tls.pkcs12_file', /cannot stand next to cert_file/],
    [tls('certificate: generated'), '4:81 listeners[0].tls.certificate', /cannot stand next to cert_file/],
    [tls('certificate: bought'), '4:94 listeners[0].tls.certificate', /must be one of acme, generated/],
    [listener('protocol: tls, tls: { certificate: acme }'), '4:59 listeners[0].tls.certificate', /needs an acme section/],
    [tls('key_passphrase: x, key_passphrase_file: phrase'), '4:100 listeners[0].tls.key_passphrase_file', /cannot stand next to key_passphrase/],
    [tls('key_passphrase_file: none'), '4:102 listeners[0].tls.key_passphrase_file', /cannot read the file of that name/],
    [tls('cert: c'), '4:81 listeners[0].tls.***', /unknown key/],

    [tls('sni: [{ names: [b.example] }]'), '4:87 listeners[0].tls.sni[0].cert_file', /needs cert_file and key_file, or pkcs12_file/],
    [tls('sni: [{ cert_file: c }]'), '4:89 listeners[0].tls.sni[0].cert_file', /needs key_file/],
    [tls('sni: [{ pkcs12_file: p, key_file: k }]'), '4:89 listeners[0].tls.sni[0].pkcs12_file', /next to key_file/],
    ...['""', '"*"', '"a.*.example"', '"*a.example"', '192.0.2.1', '"fd00::1"', '"a b"', 'bücher.example'].map((name): [string, string, RegExp] =>
      [tls(`sni: [{ names: [${name}], ${PAIR} }]`), '4:97 listeners[0].tls.sni[0].names[0]', /DNS name such as/]),
    [tls(`sni: [{ names: [b.example, B.example], ${PAIR} }]`), '4:108 listeners[0].tls.sni[0].names[1]', /has a certificate already/],
    [tls(`sni: [{ names: [b.example], ${PAIR} }, { names: [b.example], ${PAIR} }]`), '4:156 listeners[0].tls.sni[1].names[0]', /has a certificate already/],

    [tls('min_version: TLSv1.1'), '4:94 listeners[0].tls.min_version', /must be one of TLSv1\.2, TLSv1\.3/],
    [tls('min_version: TLSv1x2'), '4:94 listeners[0].tls.min_version', /must be one of/],
    [listener(`protocol: dtls, tls: { ${PAIR}, min_version: TLSv1.3 }`), '4:95 listeners[0].tls.min_version', /must be TLSv1\.2 for DTLS/],
    [tls('ciphers: "ECDHE;RSA"'), '4:90 listeners[0].tls.ciphers', /cipher list such as ECDHE-/],
    [tls('ciphers: "A\\nB"'), '4:90 listeners[0].tls.ciphers', /cipher list such as/],
    [tls('curves: "X25519/P-256"'), '4:89 listeners[0].tls.curves', /names such as X25519/],
    [tls('client_auth: require'), '4:94 listeners[0].tls.client_auth', /needs client_ca_file/],
    [tls('client_auth: request, client_ca_file: []'), '4:94 listeners[0].tls.client_auth', /needs client_ca_file/],
    [tls('client_ca_file: [""]'), '4:98 listeners[0].tls.client_ca_file[0]', /path of a file/],
    [tls('client_ca_file: { a: b }'), '4:97 listeners[0].tls.client_ca_file', /text or a list of texts/],
    [tls('client_identities: [{ subject: "*" }]'), '4:81 listeners[0].tls.client_identities', /needs client_auth/],
    [tls('client_ca_file: c, client_identities: [{}]'), '4:120 listeners[0].tls.client_identities[0].subject', /is missing; it must be text such as CN=alice/],
    ...['""', 'alice', 'NC=alice', 'CN=', '"CN=a,"', '"*, CN=a"', '"DNS:"', '"DNS:a b"', '"URI:edge"', '"email:a"', '"O=Example, Inc."', '"CN=a\\\\"', '"O=a\\\\\\\\, b"'].map((subject): [string, string, RegExp] =>
      [tls(`client_ca_file: c, client_identities: [{ subject: ${subject} }]`), '4:131 listeners[0].tls.client_identities[0].subject', /must be such as CN=alice/]),
    [tls('client_ca_file: c, client_identities: [{ subject: "*", user: "{OU}" }]'), '4:142 listeners[0].tls.client_identities[0].user', /\{CN\}/],
    [tls(`client_ca_file: c, client_identities: [{ subject: "*", user: ${'x'.repeat(257)} }]`), '4:142 listeners[0].tls.client_identities[0].user', /at most 256 bytes/],
    [tls('client_ca_file: c, client_identities: [{ subject: "*", routes: [medai] }]'), '4:145 listeners[0].tls.client_identities[0].routes[0]', /did you mean media\?/],

    [listener(`protocol: tls, also_plain: true, tls: { ${PAIR}, client_ca_file: c }`), '4:39 listeners[0].also_plain', /would let clients pass/],
    [listener('protocol: dtls, tls: { termination: upstream }'), '4:60 listeners[0].tls.termination', /for TLS only/],
    [listener('protocol: tcp, tls: { termination: upstream }'), '4:39 listeners[0].tls', /needs protocol TURN-TLS/],
    [listener('protocol: tls, tls: { termination: there }'), '4:59 listeners[0].tls.termination', /must be one of here, upstream/],
    [listener('protocol: tls, tls: { termination: upstream, client_auth: require }'), '4:69 listeners[0].tls.client_auth', /cannot stand next to termination: upstream/],
    [listener('protocol: tls, cert: c, tls: { termination: upstream }'), '4:39 listeners[0].cert', /cannot stand next to termination: upstream/],
    [listener('protocol: tls, also_plain: true, tls: { termination: upstream }'), '4:39 listeners[0].also_plain', /cannot stand next to termination: upstream/],

    [listener('proxy_protocol: required, proxy_trusted: [10.0.0.1]'), '4:40 listeners[0].proxy_protocol', /UDP has no connection/],
    [listener(`protocol: dtls, ${PAIR}, proxy_protocol: optional`), '4:91 listeners[0].proxy_protocol', /DTLS has no connection/],
    [listener('protocol: tcp, proxy_protocol: required'), '4:55 listeners[0].proxy_protocol', /needs proxy_trusted/],
    [listener('protocol: tcp, proxy_protocol: required, proxy_trusted: []'), '4:55 listeners[0].proxy_protocol', /needs proxy_trusted/],
    [listener('protocol: tcp, proxy_protocol: required, proxy_trusted: lb'), '4:80 listeners[0].proxy_trusted', /must be a list/],
    [listener('protocol: tcp, proxy_protocol: required, proxy_trusted: [lb.example]'), '4:81 listeners[0].proxy_trusted[0]', /address or block/],
    [listener('protocol: tcp, proxy_protocol: true'), '4:55 listeners[0].proxy_protocol', /must be one of off, optional, required/],
    [listener('protocol: tcp, proxy_protocol: v2'), '4:55 listeners[0].proxy_protocol', /must be one of off, optional, required/],

    ['ice: { tls: {} }', '4:8 ice.tls', /needs ice.endpoint to be an https URL/],
    [`ice: { endpoint: "https://:1", tls: { ${PAIR} } }`, '4:18 ice.endpoint', /set ice.api_keys/],
    [`ice: { endpoint: "https://:1", tls: { ${PAIR}, client_ca_file: c, client_auth: request } }`, '4:18 ice.endpoint', /require client certificates/],
    [`ice: { endpoint: "https://[::1]", tls: { termination: here } }`, '4:42 ice.tls.***', /unknown key/],
    ['ice: { endpoint: "https://[::1]", tls: { client_auth: require } }', '4:55 ice.tls.client_auth', /needs client_ca_file/],
    ['ice: { endpoint: "ftp://[::1]" }', '4:18 ice.endpoint', /must be a URL/],
    ['admin: { metrics_endpoint: "https://[::1]" }', '4:28 admin.metrics_endpoint', /plain HTTP/],

    [acme('domains: [a.example]'), '4:7 acme.accept_terms', /must be true/],
    [acme('domains: [a.example], accept_terms: false'), '4:45 acme.accept_terms', /must be true/],
    [acme('domains: [a.example], accept_terms: maybe'), '4:45 acme.accept_terms', /true or false/],
    [acme('accept_terms: true'), '4:7 acme.domains', /is missing/],
    [acme('accept_terms: true, domains: []'), '4:38 acme.domains', /is missing/],
    [acme('accept_terms: true, domains: ["*.a.example"]'), '4:39 acme.domains[0]', /wildcard/],
    [acme('accept_terms: true, domains: [192.0.2.1]'), '4:39 acme.domains[0]', /DNS name/],
    [acme('accept_terms: true, domains: [a.example], directory: "http://a.example"'), '4:62 acme.directory', /https URL/],
    [acme('accept_terms: true, domains: [a.example], email: nobody'), '4:58 acme.email', /e-mail address/],
    [acme('accept_terms: true, domains: [a.example], challenge: dns-01'), '4:62 acme.challenge', /http-01, tls-alpn-01/],
    [acme('accept_terms: true, domains: [a.example], http_endpoint: "https://:80"'), '4:66 acme.http_endpoint', /plain HTTP/],
    [acme('accept_terms: true, domains: [a.example], http_endpoint: "http://:443"'), '4:66 acme.http_endpoint', /taken by listeners\[0\]\.port/],
    [acme('accept_terms: true, domains: [a.example], renew_before: 30d'), '4:65 acme.renew_before', /duration/],
    [acme('accept_terms: true, domains: [a.example], renew_before: 0'), '4:65 acme.renew_before', /duration/],
    ['acme: { accept_terms: true, domains: [a.example], challenge: tls-alpn-01 }\nice: {}', '4:62 acme.challenge', /needs a TURN-TLS listener/],
    ['acme: 5', '4:7 acme', /must be a map/],
    ['limits: { handshakes_per_second: 0 }', '4:34 limits.handshakes_per_second', /whole number from 1/],
    ['limits: { handshakes_per_second_per_address: x }', '4:46 limits.handshakes_per_second_per_address', /whole number from 1/],
    ['limits: { connections_per_address_max: -1 }', '4:40 limits.connections_per_address_max', /whole number from 1/],
  ]; // prettier-ignore
  for (const [text, place, message] of table) {
    const { problems } = remarksOf(HEAD + text);
    t.same(problems.map(placeOf), [place], text);
    t.match(problems[0]?.message, message, text);
  }
  t.end();
});

t.test('warnings', (t) => {
  const table: readonly [string, string, RegExp][] = [
    [listener('protocol: TURN-TLS'), '4:34 listeners[0].protocol', /made at start, for development only: nobody trusts it; give tls.cert_file/],
    [listener('protocol: dtls, tls: {}'), '4:34 listeners[0].protocol', /for development only/],
    ['ice: { endpoint: "https://127.0.0.1" }', '4:18 ice.endpoint', /for development only/],
    [listener(`protocol: udp, cert: c, key: ""`), '4:39 listeners[0].cert', /ignored; the listener is plain UDP/],
    [listener('protocol: tls, tls: { certificate: generated, key_passphrase: x }'), '4:70 listeners[0].tls.key_passphrase', /no effect/],
    [tls('client_ca_file: ca, client_auth: none'), '4:81 listeners[0].tls.client_ca_file', /no effect/],
    [tls('client_crl_file: crl'), '4:81 listeners[0].tls.client_crl_file', /no effect/],
    [listener('protocol: tcp, proxy_trusted: [10.0.0.1]'), '4:39 listeners[0].proxy_trusted', /proxy_protocol is off/],
    [listener('protocol: tcp, proxy_protocol: optional, proxy_trusted: ["::/0"]'), '4:81 listeners[0].proxy_trusted[0]', /everybody/],
    [`${ACME}${tls('').replace(', }', ' }')}`, '4:1 acme', /no effect/],
    [`acme: { domains: [a.example], accept_terms: true, challenge: tls-alpn-01 }\n${listener('protocol: tls')}`, '4:62 acme.challenge', /port 443/],
    ...['ECDHE-RSA-AES128-SHA', 'AES128-GCM-SHA256', 'DHE-RSA-AES128-GCM-SHA256', 'HIGH', 'ALL', 'ECDHE', 'ECDHE+AES', 'ECDHE-ECDSA-AES128-SHA256', '"@SECLEVEL=0:ECDHE+AESGCM"'].map((ciphers): [string, string, RegExp] =>
      [tls(`ciphers: ${ciphers}`), '4:90 listeners[0].tls.ciphers', /without forward secrecy or authenticated encryption/]),
  ]; // prettier-ignore
  for (const [text, place, message] of table) {
    const { problems, warnings } = remarksOf(HEAD + text);
    t.same([...problems, ...warnings].map(placeOf), [place], text);
    t.match(warnings[0]?.message, message, text);
  }
  const silent = [
    listener('protocol: tls, tls: { certificate: generated }'),
    `${ACME}${listener('protocol: tls')}`,
    listener('protocol: tls, tls: { termination: upstream }'),
    listener('cert: "", key: ""'),
    `acme: { domains: [a.example], accept_terms: true, challenge: tls-alpn-01 }\n${listener('protocol: tls, public_port: 443')}`,
    'acme: { domains: [a.example], accept_terms: true, challenge: tls-alpn-01 }\nice: { endpoint: "https://127.0.0.1:443" }',
    tls(`ciphers: "${CIPHER_SUITES}:${CIPHERS}:ECDHE+AESGCM:EECDH+CHACHA20:ECDHE+AESGCM+AES256:!aNULL:-SHA1:+AES256:@STRENGTH"`),
  ]; // prettier-ignore
  for (const text of silent) t.same(remarksOf(HEAD + text), { problems: [], warnings: [] }, text);
  t.end();
});

t.test('config show names what is in force, and reads back to the same', (t) => {
  const config = configOf(`${HEAD}${ACME}
admin: { healthcheck_endpoint: "", api_endpoint: "" }
ice: { endpoint: "https://127.0.0.1:8088", tls: { ${PAIR}, client_ca_file: ca } }
listeners:
  - { name: files, port: 1, protocol: tls, also_plain: true, proxy_protocol: optional, proxy_trusted: [10.0.0.0/8],
      tls: { ${PAIR}, sni: [{ names: [b.example], pkcs12_file: p }], min_version: TLSv1.3, ciphers: ECDHE+AESGCM,
        curves: X25519, client_ca_file: [a, b], client_crl_file: c, client_auth: request,
        client_identities: [{ subject: CN=a, user: "{CN}", routes: [media] }, { subject: "*" }] } }
  - { name: acme, port: 2, protocol: tls }
  - { name: generated, port: 3, protocol: dtls, tls: { certificate: generated } }
  - { name: upstream, port: 4, protocol: tls, tls: { termination: upstream } }
  - { name: plain, port: 5, protocol: tcp }
limits: { connections_per_address_max: 7, handshakes_per_second: 8, handshakes_per_second_per_address: 9 }
`);
  const shown = redactConfig(config);
  const again = parseConfig(stringify(shown), {
    fileName: 'shown.yaml',
    environment: {},
    readFile: () => 'unused',
  });
  t.same('config' in again ? again.config : again.problems, config);
  t.match(shown, {
    ice: { endpoint: 'https://127.0.0.1:8088/', tls: { cert_file: '/etc/c.crt' } },
    listeners: [
      {
        tls: {
          cert_file: '/etc/c.crt',
          key_file: '/etc/c.key',
          sni: [{ names: ['b.example'], pkcs12_file: '/etc/p' }],
          min_version: 'TLSv1.3',
          ciphers: `${CIPHER_SUITES}:ECDHE+AESGCM`,
          curves: 'X25519',
          client_auth: 'request',
          termination: 'here',
        },
      },
      { tls: { certificate: 'acme', ciphers: `${CIPHER_SUITES}:${CIPHERS}`, client_auth: 'none' } },
      { tls: { certificate: 'generated' } },
      { tls: { termination: 'upstream' } },
      { proxy_protocol: 'off' },
    ],
  });
  t.end();
});

t.test('config show masks keys and passphrases', (t) => {
  const config = configOf(`${HEAD}listeners:
  - { name: a, protocol: tls, cert: ${CERTIFICATE_BASE64}, key: ${KEY_BASE64}, tls: { key_passphrase: hidden-1,
      sni: [{ ${PAIR}, key_passphrase: hidden-2 }, { pkcs12_file: p, key_passphrase: hidden-3 }] } }
`);
  const shown = redactConfig(config);
  t.notMatch(JSON.stringify(shown), /hidden|TUlJ|BEGIN/);
  t.match(shown, {
    listeners: [
      {
        cert: MASK,
        key: MASK,
        tls: { key_passphrase: MASK, sni: [{ key_passphrase: MASK }, { key_passphrase: MASK }] },
      },
    ],
  });
  t.end();
});
