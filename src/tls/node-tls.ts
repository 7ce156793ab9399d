import { constants } from 'node:crypto';
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TlsOptions,
  type TLSSocket,
} from 'node:tls';
import { errorText } from '../errors.ts';
import { HANDSHAKE_SECONDS } from '../limits.ts';
import { pemBlocks } from './pem.ts';
import { nodeCiphers } from './policy.ts';
import { selectCertificate, selectChallenge } from './server-name.ts';
import { ACME_TLS_PROTOCOL, type CertificatePair, type TlsSettings } from './tls-settings.ts';

/** Node.js takes so many bytes of the ticket keys. */
const NODE_TICKET_KEYS_BYTES = 48;

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
 * `server.emit('connection', socket)`: a lone `TLSSocket` would not say whether a client certificate is good.
 *
 * With them no handshake fails for a client certificate, which node:tls would not explain: the caller asks
 * `clientCertificateProblem` about every one that is over.
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
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_SECONDS * 1000,
    SNICallback(this: TLSSocket, serverName, done) {
      try {
        done(null, challengeContexts.get(this) ?? contextForName(current(), serverName));
      } catch (error) {
        done(error as Error);
      }
    },
    ...(alpn && { ALPNCallback: alpnCallback(current, alpn, acceptsOtherAlpn) }),
  };
}

/** Why the client of a finished handshake must not be served by what it has shown of itself; undefined when it may. */
export function clientCertificateProblem(
  socket: TLSSocket,
  { clientAuth }: Pick<TlsSettings, 'clientAuth'>,
): string | undefined {
  if (clientAuth === 'none') return undefined;
  if (socket.getPeerX509Certificate() !== undefined) {
    return socket.authorized ? undefined : String(socket.authorizationError);
  }
  return clientAuth === 'require' ? 'peer did not return a certificate' : undefined;
}

/** Says why OpenSSL refuses settings as a whole; undefined when it does not. */
export function settingsProblem(settings: TlsSettings): string | undefined {
  try {
    for (const pair of settings.certificates) contextOf(settings, pair);
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

function contextForName(settings: TlsSettings, serverName: string): SecureContext {
  return contextOf(settings, selectCertificate(settings.certificates, serverName));
}

/** Of handshakes that ask for one: TLS 1.3 looks at ALPN before the server name, TLS 1.2 the other way round. */
const challengeContexts = new WeakMap<TLSSocket, SecureContext>();

const contextsBySettings = new WeakMap<TlsSettings, Map<CertificatePair, SecureContext>>();

/** Made once for every certificate of the settings. */
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
  const challenge = selectChallenge(settings.challenges, serverName);
  if (challenge === undefined) return undefined;
  const context = contextOf(settings, challenge);
  challengeContexts.set(socket, context);
  socket.setKeyCert(context);
  return ACME_TLS_PROTOCOL;
}
