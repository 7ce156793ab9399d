import type { PasswordAlgorithm } from '../stun/registry.ts';
import type { AuthConfig, LogLevel, TlsVersion } from './gateway-config.ts';

/** Name of a gateway whose file names none, as STUNner has it. */
export const NAME_DEFAULT = 'default-stunnerd';
/** Log level of every scope that has none. */
export const LOG_LEVEL_DEFAULT: LogLevel = 'INFO';
/** Realm of files that name none, as STUNner has it. */
export const REALM_DEFAULT = 'stunner.l7mp.io';
/** Password algorithms offered to clients, preferred first. */
export const ALGORITHMS_DEFAULT: readonly PasswordAlgorithm[] = ['SHA-256', 'MD5'];
/** Longest lifetime of a credential. */
export const MAX_TTL_DEFAULT = '24h';
/** What becomes of a live allocation whose credential expires. */
export const ON_EXPIRY_DEFAULT: AuthConfig['onExpiry'] = 'close';
/** Port of a listener (RFC 8656 §5). */
export const LISTENER_PORT_DEFAULT = 3478;
/** Port of a one-line gateway over TLS or DTLS (RFC 7065 §3.2), and of the one in the embedded configuration. */
export const SECURE_PORT_DEFAULT = 5349;
/** The dynamic ports, as RFC 8656 §5 recommends. */
export const RELAY_MIN_PORT_DEFAULT = 49_152;
export const RELAY_MAX_PORT_DEFAULT = 65_535;
/** Port of a metrics endpoint that names none. */
export const METRICS_PORT_DEFAULT = 8080;
/** Port of a health check endpoint that names none, and the endpoint of files without one: on every address. */
export const HEALTHCHECK_PORT_DEFAULT = 8086;
export const HEALTHCHECK_ENDPOINT_DEFAULT = `http://:${HEALTHCHECK_PORT_DEFAULT}`;
/** Where the admin API and the console are served. */
export const API_PORT_DEFAULT = 8087;
export const API_ENDPOINT_DEFAULT = `http://127.0.0.1:${API_PORT_DEFAULT}`;
/** Where `turnpike echo` listens. */
export const ECHO_PORT_DEFAULT = 8089;
export const ECHO_ENDPOINT_DEFAULT = `http://127.0.0.1:${ECHO_PORT_DEFAULT}/whip`;
/** UDP ports of `turnpike echo`, one for each connection. */
export const ECHO_MIN_PORT_DEFAULT = 3500;
export const ECHO_MAX_PORT_DEFAULT = 3519;
/** Longest wait for live allocations when the gateway drains, and how long that may be at most. */
export const DRAIN_TIMEOUT_DEFAULT = '1h';
export const DRAIN_TIMEOUT_MAX = '168h';
/** Share of the allocations from which on the gateway is not ready for more. */
export const READY_FILL_MAX_DEFAULT = 0.95;
/** Port of a STUN or TURN server that names none (RFC 8489 §8.1). */
export const STUN_PORT_DEFAULT = 3478;
/** STUN servers that tell the public address. */
export const STUN_SERVERS_DEFAULT: readonly string[] = [
  'stun.cloudflare.com:3478',
  'stun.l.google.com:19302',
];
/** Where the ICE API is served when nothing else is said. */
export const ICE_HOST_DEFAULT = '127.0.0.1';
export const ICE_PORT_DEFAULT = 8088;
export const ICE_ENDPOINT_DEFAULT = `http://${ICE_HOST_DEFAULT}:${ICE_PORT_DEFAULT}`;
/** Lowest TLS version. */
export const TLS_VERSION_DEFAULT: TlsVersion = 'TLSv1.2';
/** TLS 1.2 and DTLS 1.2: forward secrecy and authenticated encryption only (RFC 9325 §4.2). */
export const CIPHERS_DEFAULT = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');
/** TLS 1.3. */
export const CIPHER_SUITES_DEFAULT =
  'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
/** Key exchange groups, the hybrid post-quantum one first. */
export const CURVES_DEFAULT = 'X25519MLKEM768:X25519:P-256:P-384';
/** The ACME directory that is asked when none is named. */
export const ACME_DIRECTORY_DEFAULT = 'https://acme-v02.api.letsencrypt.org/directory';
/** Where HTTP-01 challenges are answered: port 80 of every address (RFC 8555 §8.3). */
export const ACME_HTTP_PORT_DEFAULT = 80;
export const ACME_HTTP_ENDPOINT_DEFAULT = `http://:${ACME_HTTP_PORT_DEFAULT}`;
/** Folder that keeps what ACME has brought. */
export const ACME_STORAGE_DEFAULT = '/var/lib/turnpike/acme';
/** Thirty days. */
export const ACME_RENEW_BEFORE_DEFAULT = '720h';
