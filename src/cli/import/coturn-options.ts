const OURS_ALWAYS = undefined;
const RFC_5780 =
  'NAT behaviour discovery (RFC 5780) is not supported; one address and port is enough for TURN';
const DATABASE =
  'what is in a database is not imported; list it under auth.users or auth.credentials.secrets, or use *_file';
const LOGS =
  'log records go to standard output; leave files, rotation and syslog to systemd or the container';
const PRIVILEGES =
  'run the gateway as that user with systemd (User=, AmbientCapabilities=CAP_NET_BIND_SERVICE)';
const TELNET =
  'there is no telnet console; use the admin API (admin.api_endpoint) and turnpike status, sessions, kick';
const WEB = 'use the admin API and console (admin.api_endpoint, admin.api_token)';
const DIFFIE_HELLMAN =
  'key exchange is by elliptic curves only (tls.curves); no parameters are needed';
const ALTERNATE =
  'coturn sends every client away; the gateway does so only while it drains (admin.alternate_servers)';
const OLD_TLS = 'TLS 1.0 and 1.1 are not offered (RFC 8996); clients need TLS 1.2';
const LIFETIME =
  'lifetimes are those of RFC 8656 (allocation up to 3600 s, permission 300 s, channel 600 s)';
const ADDRESS_FAMILY =
  'the family of a relayed address is what the client asks for, IPv4 unless it says so';
const LABELS =
  'metrics carry no text made by clients; per-user figures are in turnpike sessions and the log';
const DEVICE =
  'name the address of the interface instead, as bind of a listener or in relay.addresses';

/** Options of coturn that the import turns into configuration itself. */
export const MAPPED_OPTIONS: ReadonlySet<string> = new Set([
  'listening-port',
  'tls-listening-port',
  'listening-ip',
  'aux-server',
  'relay-ip',
  'external-ip',
  'min-port',
  'max-port',
  'relay-threads',
  'realm',
  'lt-cred-mech',
  'no-auth',
  'user',
  'use-auth-secret',
  'static-auth-secret',
  'rest-api-separator',
  'stun-only',
  'cert',
  'pkey',
  'pkey-pwd',
  'cipher-list',
  'CA-file',
  'no-udp',
  'no-tcp',
  'no-tls',
  'no-dtls',
  'dtls',
  'no-tlsv1_2',
  'total-quota',
  'user-quota',
  'max-bps',
  'allowed-peer-ip',
  'denied-peer-ip',
  'allow-loopback-peers',
  'prometheus',
  'prometheus-port',
  'prometheus-address',
  'prometheus-path',
  'verbose',
  'Verbose',
  'unauthorized-ratelimit',
  'unauthorized-ratelimit-rps',
  'rfc5766-channel-numbers',
]);

/**
 * The other options of coturn: why they do not map and what to do instead; undefined where the gateway does so anyway
 * and nothing needs to be said.
 */
export const OTHER_OPTIONS: ReadonlyMap<string, string | undefined> = new Map([
  ['fingerprint', OURS_ALWAYS],
  ['no-multicast-peers', OURS_ALWAYS],
  ['no-tlsv1', OURS_ALWAYS],
  ['no-tlsv1_1', OURS_ALWAYS],
  ['no-sslv2', OURS_ALWAYS],
  ['no-sslv3', OURS_ALWAYS],
  ['no-rfc5780', OURS_ALWAYS],
  ['no-stun-backward-compatibility', OURS_ALWAYS],
  ['response-origin-only-with-rfc5780', OURS_ALWAYS],
  ['no-software-attribute', OURS_ALWAYS],
  ['no-tcp-relay', OURS_ALWAYS],
  ['no-cli', OURS_ALWAYS],
  ['no-loopback-peers', OURS_ALWAYS],
  ['new-log-timestamp', OURS_ALWAYS],
  ['stateless-nonce', OURS_ALWAYS],
  ['drop-invalid-packets', OURS_ALWAYS],
  ['udp-recvmmsg', OURS_ALWAYS],
  ['no-stdout-log', LOGS],
  ['stale-nonce', 'nonces are always checked and live 3600 s; nothing to set'],
  ['alt-listening-port', RFC_5780],
  ['alt-tls-listening-port', RFC_5780],
  ['rfc5780', RFC_5780],
  ['stun-backward-compatibility', 'STUN of RFC 3489 is not answered'],
  [
    'tcp-proxy-port',
    'add a TCP listener on that port with proxy_protocol: required, and the load balancers as proxy_trusted',
  ],
  ['listening-device', DEVICE],
  ['relay-device', DEVICE],
  [
    'udp-self-balance',
    'every worker has a socket on the same port and the kernel shares out the clients',
  ],
  ['ne', 'sockets are shared out by the kernel; relay.workers sets the number of threads'],
  ['server-name', 'third-party authorization (OAuth) is not supported'],
  ['oauth', 'third-party authorization (OAuth) is not supported; use ephemeral credentials'],
  ['userdb', DATABASE],
  ['db', DATABASE],
  ['psql-userdb', DATABASE],
  ['mysql-userdb', DATABASE],
  ['mongo-userdb', DATABASE],
  ['redis-userdb', DATABASE],
  ['secret-key-file', DATABASE],
  [
    'redis-statsdb',
    'figures are in the metrics (admin.metrics_endpoint) and events in the admin API',
  ],
  ['check-origin-consistency', 'one gateway has one realm; ORIGIN is not looked at'],
  [
    'bps-capacity',
    'there is no cap for the whole; limits.bytes_per_second_per_allocation caps each allocation',
  ],
  ['no-udp-relay', 'relays are UDP only; a gateway without them is auth.type: none (STUN only)'],
  ['max-allocate-lifetime', LIFETIME],
  [
    'max-allocate-timeout',
    'a TCP client without an allocation is disconnected after 30 s; a UDP client costs nothing',
  ],
  ['channel-lifetime', LIFETIME],
  ['permission-lifetime', LIFETIME],
  ['ec-curve-name', 'X25519, P-256 and P-384 are offered; set tls.curves for others'],
  ['dh-file', DIFFIE_HELLMAN],
  ['dh566', DIFFIE_HELLMAN],
  ['dh1066', DIFFIE_HELLMAN],
  ['dh2066', DIFFIE_HELLMAN],
  ['tlsv1', OLD_TLS],
  ['tlsv1_1', OLD_TLS],
  ['raw-public-keys', 'raw public keys (RFC 7250) are not supported; use certificates'],
  ['log-file', LOGS],
  ['syslog', LOGS],
  ['syslog-facility', LOGS],
  ['simple-log', LOGS],
  ['new-log-timestamp-format', 'times in the log are ISO 8601 in UTC'],
  ['log-binding', 'set admin.loglevel to all:DEBUG to see every request'],
  ['alternate-server', ALTERNATE],
  ['udp-alternate-server', ALTERNATE],
  ['tcp-alternate-server', ALTERNATE],
  ['tls-alternate-server', ALTERNATE],
  ['no-stun', 'Binding requests are always answered'],
  [
    'secure-stun',
    'Binding requests are answered without credentials, as RFC 8489 has it by default',
  ],
  ['mobility', 'mobility (RFC 8016) is not supported; clients allocate again (ICE restart)'],
  ['no-mobility', OURS_ALWAYS],
  ['keep-address-family', ADDRESS_FAMILY],
  ['allocation-default-address-family', ADDRESS_FAMILY],
  ['pidfile', 'a service manager knows the process id'],
  ['daemon', 'the gateway stays in the foreground; a service manager runs it'],
  ['proc-user', PRIVILEGES],
  ['proc-group', PRIVILEGES],
  ['cli', TELNET],
  ['cli-ip', TELNET],
  ['cli-port', TELNET],
  ['cli-password', TELNET],
  ['cli-max-output-sessions', TELNET],
  ['web-admin', WEB],
  ['web-admin-ip', WEB],
  ['web-admin-port', WEB],
  ['web-admin-listen-on-workers', WEB],
  ['acme-redirect', 'the gateway can get certificates itself (acme section, http-01 on port 80)'],
  ['server-relay', 'relays for servers (dangerous in coturn, too) are not supported'],
  ['no-auth-pings', 'there is no database connection to keep alive'],
  ['no-dynamic-ip-list', 'routes change by reload of the configuration, never by a database'],
  ['no-dynamic-realms', 'there is one realm'],
  ['prometheus-username-labels', LABELS],
  ['prometheus-sessionid-labels', LABELS],
  [
    'prometheus-cert',
    'metrics are plain HTTP; put a TLS proxy in front, or keep them on a private address',
  ],
  [
    'prometheus-pkey',
    'metrics are plain HTTP; put a TLS proxy in front, or keep them on a private address',
  ],
  ['multiplex-peer', 'every allocation has a relay port of its own'],
  ['drain-min-allocations', 'see admin.drain_timeout'],
  ['sock-buf-size', 'buffer sizes are chosen by the gateway, up to net.core.rmem_max'],
  ['cpus', 'set relay.workers'],
  [
    'stateless-nonce-secret',
    'nonces of one gateway are not valid on another; clients are challenged again',
  ],
  ['include-reason-string', 'error answers always have their reason'],
  ['software-attribute', 'answers never name the software'],
]);
