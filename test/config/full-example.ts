import t from 'tap';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import { parseConfig, type ParseResult } from '../../src/config/parse.ts';

/** One file with everything that is promised to users; where it shows two ways to say something, one has to be chosen. */
const FULL = `version: v1
admin:
  name: my-gateway
  loglevel: all:INFO                      # scope:LEVEL,scope:LEVEL; DISABLE ERROR WARN INFO DEBUG TRACE
  log_format: json                        # + json | text
  metrics_endpoint: http://127.0.0.1:8080/metrics
  healthcheck_endpoint: http://127.0.0.1:8086   # "" disables
  api_endpoint: http://127.0.0.1:8087     # + admin API and console
  api_token: \${TURNPIKE_ADMIN_TOKEN:-}    # + required when api_endpoint is not loopback
  user_quota: 10                          # allocations per user id; 0 = none
  drain_timeout: 1h                       # +
auth:
  type: ephemeral                         # static (plaintext) | ephemeral (longterm, timewindowed) | none (STUN only)
  realm: example.org
  credentials: { secret: s3cret }         # or username/password; + secrets: [new, old] during rotation
  users: []                               # + more static users, each { username, password, routes? }, next to either type
  on_expiry: close                        # + keep | refuse | close: what happens to a live allocation when its credential expires
  max_ttl: 24h                            # +
  algorithms: [SHA-256, MD5]              # + RFC 8489 password algorithms offered
ice:                                      # +
  endpoint: http://127.0.0.1:8088         # https:// with tls below
  tls: { cert_file: tls.crt, key_file: tls.key, client_ca_file: ca.crt }
  api_keys: []                            # bearer or key=; required when not loopback
  cors: []                                # exact origins
  compat: []                              # matrix | cloudflare | metered | twilio | xirsys
listeners:
  - name: default/udp-gateway/udp-listener
    protocol: TURN-UDP                    # UDP TCP TLS DTLS with or without TURN-, any case
    bind: 0.0.0.0                         # + address to listen on; default: all, both families
    port: 3478
    address: 10.0.0.5                     # address of the relayed transport address given to clients
    public_address: 203.0.113.7           # host in ICE URIs
    public_port: 3478
    cert: BASE64-PEM                      # or + tls.cert_file / tls.key_file, watched
    key: BASE64-PEM
    tls:                                  # +
      cert_file: /etc/turnpike/tls.crt
      key_file: /etc/turnpike/tls.key
      key_passphrase: phrase
      sni: [{ names: ["*.example.org"], cert_file: sni.crt, key_file: sni.key }]
      min_version: TLSv1.2
      ciphers: ECDHE+AESGCM:ECDHE+CHACHA20
      client_ca_file: ca.crt              # mutual TLS
      client_auth: none                   # none | request | require
      termination: here                   # here | upstream: TLS ends at the load balancer, we listen plain and still advertise turns:
    proxy_protocol: off                   # + off | optional | required (v1 and v2, before TLS)
    proxy_trusted: [10.0.0.0/8]           # + only these may speak it
    routes: [media]
relay:                                    # +
  min_port: 49152
  max_port: 65535
  addresses: [{ bind: 10.0.0.5, advertise: 203.0.113.7 }]   # per family; \`advertise: discover\` asks a STUN server
  workers: auto
clusters:
  - name: media
    type: STATIC                          # STATIC | STRICT_DNS
    protocol: UDP                         # UDP | TCP (RFC 6062)
    endpoints: ["10.0.0.0/24:<10000-20000>", "10.1.2.3", "[fd00::]/64:5000-5100", "media.internal:5004"]
    dangerously_allow: []                 # + exact addresses or CIDRs of the hard deny list, e.g. 127.0.0.1/32 in tests
strict_channel_numbers: false             # + false accepts 0x4000-0x7FFE (older clients), true only 0x4000-0x4FFF (RFC 8656)
limits:                                   # + every bound that an operator may move
  allocations_max: 100000
  allocations_per_address_max: 200
  bytes_per_second_per_allocation: 6250000
  unauthenticated_per_second_per_address: 10
`;

/** What the file says in two ways that exclude each other, and the choice that makes it one file. */
const CHOICES: readonly [path: string, message: RegExp, from: RegExp, to: string][] = [
  ['ice.tls', /needs ice\.endpoint to be an https URL/, /http:\/\/127\.0\.0\.1:8088/, 'https://127.0.0.1:8088'],
  ['listeners[0].tls', /needs protocol TURN-DTLS; this one is UDP/, /TURN-UDP(?= {2})/, 'TURN-TLS'],
  ['listeners[0].tls.cert_file', /cannot stand next to listeners\[0\]\.cert/, / {4}cert: BASE64-PEM.*\n {4}key: BASE64-PEM\n/, ''],
  ['clusters[0].endpoints[3]', /is a host name, which needs a cluster of type STRICT_DNS/, /STATIC(?= {2})/, 'STRICT_DNS'],
]; // prettier-ignore

function parse(text: string, environment: Record<string, string> = {}): ParseResult {
  return parseConfig(text, { fileName: 'full.yaml', environment, readFile: () => 'unused' });
}

function chosen(text: string): string {
  return CHOICES.reduce((current, [, , from, to]) => current.replace(from, to), text);
}

function configOf(text: string, environment?: Record<string, string>): GatewayConfig {
  const result = parse(text, environment);
  if ('config' in result) return result.config;
  throw new Error(`unexpected problems: ${JSON.stringify(result.problems)}`);
}

t.test('the file that shows everything is accepted once its alternatives are chosen from', (t) => {
  const config = configOf(chosen(FULL));
  t.match(config.admin, {
    name: 'my-gateway',
    apiEndpoint: { host: '127.0.0.1', port: 8087 },
    apiToken: undefined,
    userQuota: 10,
    drainTimeoutSeconds: 3600,
  });
  t.match(config.auth, { type: 'ephemeral', onExpiry: 'close', maxTtlSeconds: 86_400 });
  t.match(config.ice, { tls: { clientAuth: 'require' } });
  t.equal(config.clusters[0]?.endpoints.length, 4);
  t.match(config.limits, { bytesPerSecondPerAllocation: 6_250_000, unauthenticatedPerSecondPerAddress: 10 }); // prettier-ignore
  const minimal = configOf('version: v1\nauth: { type: none }\nadmin: { user_quota: 10 }');
  t.same(config.limits, minimal.limits, 'it shows the default limits');
  const token = { TURNPIKE_ADMIN_TOKEN: 'from-the-environment' };
  t.equal(configOf(chosen(FULL), token).admin.apiToken, 'from-the-environment');
  t.end();
});

t.test('each alternative is refused while it is open', (t) => {
  for (const [index, [path, message]] of CHOICES.entries()) {
    const others = CHOICES.filter((_, other) => other !== index);
    const text = others.reduce((current, [, , from, to]) => current.replace(from, to), FULL);
    const result = parse(text);
    const problems = 'problems' in result ? result.problems : [];
    t.same(problems.map((problem) => problem.path), [path], path); // prettier-ignore
    t.match(problems[0]?.message, message, path);
  }
  t.end();
});

t.test('keys of later versions are refused as unknown', (t) => {
  for (const key of ['events', 'kubernetes', 'offload']) {
    const result = parse(`${chosen(FULL)}${key}: {}\n`);
    t.match('problems' in result && result.problems, [{ path: key, message: /^unknown key/ }]);
  }
  t.end();
});
