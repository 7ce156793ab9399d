import { constants } from 'node:crypto';
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TlsOptions,
  type TLSSocket,
} from 'node:tls';
import type { TlsConfig } from '../config/gateway-config.ts';
import { GatewayError } from '../errors.ts';
import { HANDSHAKE_SECONDS } from '../limits.ts';
import { pemBlocks } from './pem.ts';
import { normaliseServerName, selectCertificate } from './server-name.ts';
import type { CertificatePair, TlsSettings } from './tls-settings.ts';

/** The ALPN protocol of TLS-ALPN-01 challenges (RFC 8737 §6.2). */
export const ACME_TLS_PROTOCOL = 'acme-tls/1';

/** Node.js takes so many bytes of the ticket keys. */
const NODE_TICKET_KEYS_BYTES = 48;

/** Post-quantum groups that an older OpenSSL may lack; any other unknown name is a mistake. */
const RECENT_GROUPS =
  /^(?:X25519MLKEM768|X448MLKEM1024|SecP256r1MLKEM768|SecP384r1MLKEM1024|MLKEM\d+)$/i;

/**
 * Checks the versions, ciphers and groups of an endpoint against the OpenSSL of this Node.js.
 *
 * @returns the key exchange groups without those that it is too old for.
 * @throws GatewayError GW_ERR_TLS_POLICY naming the item that it does not know.
 */
export function groupsInForce({
  ciphers,
  cipherSuites,
  curves,
}: Pick<TlsConfig, 'ciphers' | 'cipherSuites' | 'curves'>): string {
  for (const suite of itemsOf(cipherSuites)) {
    const isSuite = suite.startsWith('TLS_') && isKnown({ ciphers: suite });
    if (!isSuite) throw unknownItem('cipher suite', suite);
  }
  for (const cipher of itemsOf(ciphers)) {
    // What is only taken out or moved to the end may be unknown.
    if (/^[!+-]/.test(cipher)) continue;
    const list = cipher.startsWith('@') ? `ECDHE+AESGCM:${cipher}` : cipher;
    if (!isKnown({ ciphers: list })) throw unknownItem('cipher', cipher);
  }
  if (!isKnown({ ciphers: nodeCiphers({ ciphers, cipherSuites }) })) {
    throw unknownItem('cipher list', ciphers);
  }
  const groups = itemsOf(curves).filter((group) => {
    const isUsable = isKnown({ ecdhCurve: group });
    if (!isUsable && !RECENT_GROUPS.test(group)) throw unknownItem('group', group);
    return isUsable;
  });
  if (groups.length === 0) throw unknownItem('group', curves);
  return groups.join(':');
}

/** What `nodeTlsOptions` is told about the protocol above TLS. */
export interface ProtocolOptions {
  /** ALPN protocols (RFC 7301), preferred first; undefined: none is negotiated, and no TLS-ALPN-01 answered. */
  readonly alpn?: readonly string[];
  /**
   * Serves clients that offer only other protocols. A server of node:tls can only refuse or confirm what was offered,
   * so such a client is told that its first choice is fine.
   */
  readonly acceptsOtherAlpn?: boolean;
}

/**
 * Options for `tls.createServer` and `https.createServer`. A connection that was accepted elsewhere is handed over by
 * `server.emit('connection', socket)`: a lone `TLSSocket` would let every client certificate pass.
 *
 * With client authentication `request` the caller asks `showsBadCertificate` about every finished handshake, since
 * node:tls either requires a certificate or lets every one pass.
 *
 * @param source - settings, or where the current ones are had from for every handshake; the certificate for clients
 *   that name no server, authorities and policy change with `server.setSecureContext`.
 */
export function nodeTlsOptions(
  source: TlsSettings | (() => TlsSettings),
  { alpn, acceptsOtherAlpn = false }: ProtocolOptions = {},
): TlsOptions {
  const current = typeof source === 'function' ? source : () => source;
  const settings = current();
  const [first] = settings.certificates;
  if (first === undefined) throw new RangeError('TLS settings have a certificate');
  return {
    ...contextOptions(settings, first),
    requestCert: settings.clientAuth !== 'none',
    rejectUnauthorized: settings.clientAuth === 'require',
    handshakeTimeout: HANDSHAKE_SECONDS * 1000,
    SNICallback(this: TLSSocket, serverName, done) {
      try {
        done(null, challengeContexts.get(this) ?? secureContextFor(current(), serverName));
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
    ...(alpn && { ALPNCallback: alpnCallback(current, alpn, acceptsOtherAlpn) }),
  };
}

/** The context of node:tls for clients that ask for a name; made once for every certificate of the settings. */
export function secureContextFor(
  settings: TlsSettings,
  serverName: string | undefined,
): SecureContext {
  return contextOf(settings, selectCertificate(settings.certificates, serverName));
}

/** Whether a client of a finished handshake has shown a certificate that does not verify: it is to be disconnected. */
export function showsBadCertificate(socket: TLSSocket): boolean {
  return !socket.authorized && socket.getPeerX509Certificate() !== undefined;
}

/** Of handshakes that ask for one: TLS 1.3 looks at ALPN before the server name, TLS 1.2 the other way round. */
const challengeContexts = new WeakMap<TLSSocket, SecureContext>();

const contextsBySettings = new WeakMap<TlsSettings, Map<CertificatePair, SecureContext>>();

function contextOf(settings: TlsSettings, pair: CertificatePair): SecureContext {
  const contexts = contextsBySettings.get(settings) ?? new Map<CertificatePair, SecureContext>();
  contextsBySettings.set(settings, contexts);
  const context = contexts.get(pair) ?? createSecureContext(contextOptions(settings, pair));
  contexts.set(pair, context);
  return context;
}

function contextOptions(settings: TlsSettings, pair: CertificatePair): SecureContextOptions {
  const { clientAuth, clientCaPem, clientCrlPem, ticketKeys } = settings;
  const asksClients = clientAuth !== 'none';
  // A resumed session would outlive the revocation of its client certificate.
  const sessions = asksClients ? constants.SSL_OP_NO_TICKET : 0;
  return {
    cert: pair.certificatePem,
    key: pair.keyPem,
    minVersion: settings.minVersion,
    ciphers: nodeCiphers(settings),
    ecdhCurve: settings.curves,
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | sessions,
    ticketKeys: Buffer.from(ticketKeys.subarray(0, NODE_TICKET_KEYS_BYTES)),
    sessionIdContext: 'turnpike',
    ...(asksClients && { ca: clientCaPem }),
    // Of several lists in one text only the first would be read.
    ...(asksClients && clientCrlPem !== '' && { crl: pemTexts(clientCrlPem) }),
  };
}

function pemTexts(pem: string): string[] {
  return pemBlocks(Buffer.from(pem)).map(({ text }) => text);
}

function alpnCallback(
  current: () => TlsSettings,
  alpn: readonly string[],
  acceptsOtherAlpn: boolean,
): NonNullable<SecureContextOptions['ALPNCallback']> {
  return function select(this: TLSSocket, { servername, protocols }): string | undefined {
    if (protocols.includes(ACME_TLS_PROTOCOL)) return answerChallenge(this, current(), servername);
    const chosen = alpn.find((protocol) => protocols.includes(protocol));
    return chosen ?? (acceptsOtherAlpn ? protocols[0] : undefined);
  };
}

/** Shows the certificate of a challenge; a name without one is refused (RFC 8737 §3). */
function answerChallenge(
  socket: TLSSocket,
  settings: TlsSettings,
  serverName: string,
): string | undefined {
  const wanted = normaliseServerName(serverName);
  const challenge = settings.challenges.find(({ names }) => names.includes(wanted));
  if (challenge === undefined) return undefined;
  const context = contextOf(settings, challenge);
  challengeContexts.set(socket, context);
  socket.setKeyCert(context);
  return ACME_TLS_PROTOCOL;
}

/** Node.js takes suites and ciphers as one list. */
function nodeCiphers({
  ciphers,
  cipherSuites,
}: Pick<TlsSettings, 'ciphers' | 'cipherSuites'>): string {
  return [cipherSuites, ciphers].filter((list) => list !== '').join(':');
}

function itemsOf(list: string): string[] {
  return list.split(/[:, ]+/).filter((item) => item !== '');
}

function isKnown(options: SecureContextOptions): boolean {
  try {
    createSecureContext(options);
    return true;
  } catch {
    return false;
  }
}

function unknownItem(what: string, item: string): GatewayError {
  const openssl = `OpenSSL ${process.versions.openssl}`;
  return new GatewayError('GW_ERR_TLS_POLICY', `${what} "${item}" is not known to ${openssl}`);
}
