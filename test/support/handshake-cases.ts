import type { Test } from 'tap';
import { bindOnce, refusedOutput } from './openssl-client.ts';
import {
  tlsKeys,
  type SecureGateway,
  type SecureListener,
  type TestPki,
} from './secure-gateway.ts';

const PARALLEL_ATTEMPTS = 4;

/** Listeners of the handshake cases: what the `tls` section says beside the certificate. */
const POLICY_LISTENERS = {
  default: {},
  'with-cbc': { ciphers: 'ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256' },
  'one-curve': { curves: 'P-384' },
} as const;

/** Names of the certificates of the listener `sni`: its default one, and two that are asked for by name. */
const SNI_NAMES = {
  default: 'default.example.com',
  exact: 'turn.example.org',
  wildcard: '*.example.net',
} as const;

/** A handshake that `openssl s_client` attempts, over TLS 1.2 or later or over DTLS 1.2. */
export interface HandshakeCase {
  readonly proves: string;
  readonly listener: keyof typeof POLICY_LISTENERS | 'sni' | 'rsa';
  readonly args: readonly string[];
  /** What the client prints. */
  readonly says: RegExp;
  /** False: a Binding request is answered. */
  readonly isRefused?: boolean;
}

/** The listeners that the cases need, with certificates of `pki`. */
export async function caseListeners(
  pki: TestPki,
  protocol: 'TURN-TLS' | 'TURN-DTLS',
): Promise<Record<HandshakeCase['listener'], SecureListener>> {
  const keysFor = async (...names: readonly string[]) => tlsKeys(await pki.server({ names }));
  const keys = tlsKeys(await pki.server());
  // In TLS 1.2 an ECDSA certificate needs a client that offers its curve, whatever the key exchange.
  const rsaKeys = tlsKeys(await pki.server({ keyKind: 'rsa-2048' }));
  const withPolicy = (policy: object) => ({ protocol, tls: { ...keys, ...policy } });
  const byName = [
    { names: [SNI_NAMES.exact], ...(await keysFor(SNI_NAMES.exact)) },
    // The names are those in the certificate.
    await keysFor(SNI_NAMES.wildcard),
  ];
  return {
    default: withPolicy(POLICY_LISTENERS.default),
    'with-cbc': withPolicy(POLICY_LISTENERS['with-cbc']),
    'one-curve': { protocol, tls: { ...rsaKeys, ...POLICY_LISTENERS['one-curve'] } },
    rsa: { protocol, tls: rsaKeys },
    sni: { protocol, tls: { ...(await keysFor(SNI_NAMES.default)), sni: byName } },
  };
}

/** Attempts the handshakes; `version` is how `s_client` is told what to speak. */
export async function testHandshakes(
  t: Test,
  gateway: SecureGateway,
  version: string,
  caFile: string,
  cases: readonly HandshakeCase[],
): Promise<void> {
  const attempt = async ({ proves, listener, args, says, isRefused = false }: HandshakeCase) => {
    const run = isRefused ? refusedOutput : bindOnce;
    const flags = [version, '-CAfile', caFile, '-verify_return_error', ...args];
    const output = await run(gateway.server(listener), flags);
    t.match(output, says, `${version}: ${proves}`);
    if (!isRefused) t.match(output, /Verification: OK/, 'verified');
  };
  const rest = [...cases];
  const attemptAll = async (): Promise<void> => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) await attempt(next);
  };
  await Promise.all(Array.from({ length: PARALLEL_ATTEMPTS }, attemptAll));
}

/** Certificates by server name (RFC 6066 §3). */
export const SNI_CASES: readonly HandshakeCase[] = [
  sni('no name', ['-noservername'], SNI_NAMES.default),
  sni('the exact name', ['-servername', 'turn.example.org'], SNI_NAMES.exact),
  sni('the exact name in capitals', ['-servername', 'TURN.Example.ORG'], SNI_NAMES.exact),
  sni('a name that the wildcard covers', ['-servername', 'a.example.net'], SNI_NAMES.wildcard),
  sni('two labels for one wildcard', ['-servername', 'a.b.example.net'], SNI_NAMES.default),
  sni('the wildcard without a label', ['-servername', 'example.net'], SNI_NAMES.default),
  sni('an unknown name', ['-servername', 'unknown.example.com'], SNI_NAMES.default),
];

/** Application protocols (RFC 7443); the client's preference counts. */
export const ALPN_CASES: readonly HandshakeCase[] = [
  alpn('stun.turn', 'stun.turn'),
  alpn('stun.nat-discovery', 'stun.nat-discovery'),
  alpn('stun.turn,stun.nat-discovery', 'stun.turn'),
  alpn('h2,stun.turn', 'stun.turn'),
  { proves: 'no ALPN', listener: 'default', args: [], says: /No ALPN negotiated/ },
];

const REFUSED = /alert handshake failure/;

/** Ciphers and curves of TLS 1.2 and DTLS 1.2. */
export const CIPHER_CASES_1_2: readonly HandshakeCase[] = [
  ...['ECDSA-AES128-GCM-SHA256', 'ECDSA-AES256-GCM-SHA384', 'ECDSA-CHACHA20-POLY1305'].map((name) =>
    cipher('default', `ECDHE-${name}`),
  ),
  ...['RSA-AES128-GCM-SHA256', 'RSA-AES256-GCM-SHA384', 'RSA-CHACHA20-POLY1305'].map((name) =>
    cipher('rsa', `ECDHE-${name}`),
  ),
  cipherRefused('default', 'ECDHE-ECDSA-AES128-SHA256', 'CBC by default'),
  cipherRefused('default', 'ECDHE-ECDSA-AES256-SHA', 'CBC with SHA-1'),
  cipherRefused('rsa', 'AES128-GCM-SHA256', 'no forward secrecy'),
  cipherRefused('rsa', 'DHE-RSA-AES128-GCM-SHA256', 'finite fields'),
  cipher('with-cbc', 'ECDHE-ECDSA-AES128-SHA256'),
  cipherRefused('with-cbc', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'one that is not on the list'),
];

/** Ciphers of TLS 1.3. */
export const CIPHER_CASES_1_3: readonly HandshakeCase[] = [
  suite('TLS_AES_128_GCM_SHA256', /Cipher is TLS_AES_128_GCM_SHA256\n/),
  suite('TLS_AES_256_GCM_SHA384', /Cipher is TLS_AES_256_GCM_SHA384\n/),
  suite('TLS_CHACHA20_POLY1305_SHA256', /Cipher is TLS_CHACHA20_POLY1305_SHA256\n/),
  { ...suite('TLS_AES_128_CCM_SHA256', REFUSED), isRefused: true },
];

/** Curves, whatever the version. */
export const CURVE_CASES: readonly HandshakeCase[] = [
  curve('rsa', 'X25519', /Server Temp Key: X25519/),
  curve('rsa', 'P-256', /Server Temp Key: ECDH, prime256v1/),
  curve('rsa', 'P-384', /Server Temp Key: ECDH, secp384r1/),
  { ...curve('rsa', 'P-521', REFUSED), isRefused: true },
  curve('one-curve', 'X25519:P-384', /Server Temp Key: ECDH, secp384r1/),
];

function sni(proves: string, args: readonly string[], name: string): HandshakeCase {
  return { proves, listener: 'sni', args, says: subject(name) };
}

function subject(name: string): RegExp {
  return new RegExp(`subject=CN = ${name.replaceAll(/[.*]/g, String.raw`\$&`)}\n`);
}

function alpn(offer: string, chosen: string): HandshakeCase {
  const says = new RegExp(`ALPN protocol: ${chosen}\n`);
  return { proves: `ALPN ${offer}`, listener: 'default', args: ['-alpn', offer], says };
}

function cipher(listener: HandshakeCase['listener'], name: string): HandshakeCase {
  const says = new RegExp(`Cipher is ${name}\n`);
  return { proves: `${name}, ${listener}`, listener, args: ['-cipher', name], says };
}

function suite(name: string, says: RegExp): HandshakeCase {
  return { proves: name, listener: 'default', args: ['-ciphersuites', name], says };
}

function cipherRefused(
  listener: HandshakeCase['listener'],
  name: string,
  proves: string,
): HandshakeCase {
  return { proves, listener, args: ['-cipher', name], says: REFUSED, isRefused: true };
}

function curve(listener: HandshakeCase['listener'], curves: string, says: RegExp): HandshakeCase {
  return { proves: `curves ${curves}, ${listener}`, listener, args: ['-curves', curves], says };
}
