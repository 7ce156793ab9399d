import { createHash } from 'node:crypto';
import { errorText, GatewayError } from '../../../errors.ts';
import { loadOpenSsl } from '../../../sys/openssl.ts';
import {
  DTLS1_2_VERSION,
  SSL_CTRL_CHAIN_CERT,
  SSL_CTRL_MODE,
  SSL_CTRL_SET_GROUPS_LIST,
  SSL_CTRL_SET_MAX_CERT_LIST,
  SSL_CTRL_SET_MIN_PROTO_VERSION,
  SSL_CTRL_SET_SESS_CACHE_MODE,
  SSL_CTRL_SET_TLSEXT_TICKET_KEYS,
  SSL_MODE_AUTO_RETRY,
  SSL_MODE_RELEASE_BUFFERS,
  SSL_OP_CIPHER_SERVER_PREFERENCE,
  SSL_OP_NO_COMPRESSION,
  SSL_OP_NO_ENCRYPT_THEN_MAC,
  SSL_OP_NO_QUERY_MTU,
  SSL_OP_NO_RENEGOTIATION,
  SSL_OP_NO_TICKET,
  SSL_OP_PRIORITIZE_CHACHA,
  SSL_SESS_CACHE_OFF,
  SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
  SSL_VERIFY_NONE,
  SSL_VERIFY_PEER,
  TLS1_2_VERSION,
  TLS1_3_VERSION,
  X509_V_FLAG_CRL_CHECK,
  X509_V_FLAG_CRL_CHECK_ALL,
} from '../../../sys/openssl-constants.ts';
import { selectCertificate, selectChallenge } from '../../../tls/server-name.ts';
import type { CertificatePair, TlsSettings } from '../../../tls/tls-settings.ts';
import { handshakeCallbacks } from './handshake-callbacks.ts';
import { lastOpenSslError } from './openssl-error.ts';
import { nativeCopy } from './native-memory.ts';
import { readCertificates, readPrivateKey, readRevocationLists } from './pem.ts';

/** Certificates that a client may send, bytes. */
const CLIENT_CHAIN_BYTES_MAX = 30 * 1024;
/** Sessions are resumed for so long. */
const SESSION_SECONDS = 2 * 3600;

const OPTIONS =
  SSL_OP_NO_RENEGOTIATION +
  SSL_OP_CIPHER_SERVER_PREFERENCE +
  SSL_OP_PRIORITIZE_CHACHA +
  SSL_OP_NO_COMPRESSION +
  SSL_OP_NO_QUERY_MTU;
/** OpenSSL ends an association over a forged record when it is to check the MAC before it decrypts (RFC 7366). */
const DATAGRAM_OPTIONS = OPTIONS + SSL_OP_NO_ENCRYPT_THEN_MAC;

/** What a listener speaks TLS or DTLS with: one SSL_CTX for each certificate. */
export class SecureContext {
  /** Who a verified client certificate stands for is looked up here. */
  readonly settings: TlsSettings;
  readonly #isDatagram: boolean;
  readonly #listener: string;
  readonly #contexts = new Map<CertificatePair, number>();
  #handshakes = 0;
  #isRetired = false;

  /** @throws GatewayError GW_ERR_TLS_POLICY when OpenSSL refuses something; nothing stays allocated then. */
  constructor(listener: string, settings: TlsSettings, isDatagram: boolean) {
    this.#listener = listener;
    this.settings = settings;
    this.#isDatagram = isDatagram;
    try {
      for (const pair of [...settings.certificates, ...settings.challenges]) {
        this.#contexts.set(pair, this.#create(pair));
      }
    } catch (error) {
      this.#free();
      throw error;
    }
  }

  /** The SSL_CTX that a handshake begins with. */
  get defaultContext(): number {
    return this.#contexts.get(this.settings.certificates[0]!)!;
  }

  /** The SSL_CTX for the name that a client asks for (RFC 6066 §3). */
  contextFor(serverName: string | undefined): number {
    return this.#contexts.get(selectCertificate(this.settings.certificates, serverName))!;
  }

  /** The SSL_CTX that answers a TLS-ALPN-01 challenge for a name, or undefined when there is none (RFC 8737). */
  challengeFor(serverName: string | undefined): number | undefined {
    const pair = selectChallenge(this.settings.challenges, serverName);
    return pair && this.#contexts.get(pair);
  }

  /** Keeps the context for a handshake that begins, and until `release`. */
  retain(): void {
    this.#handshakes++;
  }

  /** A handshake is over. */
  release(): void {
    this.#handshakes--;
    if (this.#isRetired && this.#handshakes === 0) this.#free();
  }

  /** No handshake begins any more; frees the context as soon as the last one is over. Live channels stay. */
  retire(): void {
    this.#isRetired = true;
    if (this.#handshakes === 0) this.#free();
  }

  #free(): void {
    for (const context of this.#contexts.values()) loadOpenSsl().SSL_CTX_free(context);
    this.#contexts.clear();
  }

  #create(pair: CertificatePair): number {
    const openssl = loadOpenSsl();
    openssl.ERR_clear_error();
    const method = this.#isDatagram ? openssl.DTLS_server_method() : openssl.TLS_server_method();
    const context = openssl.SSL_CTX_new(method);
    this.#check(context, 'a context');
    try {
      this.#setPolicy(context);
      this.#setSessions(context);
      this.#setCertificate(context, pair);
      this.#setClientAuthentication(context);
      this.#setCallbacks(context);
      return context;
    } catch (error) {
      openssl.SSL_CTX_free(context);
      throw error;
    }
  }

  #setPolicy(context: number): void {
    const openssl = loadOpenSsl();
    const { minVersion, ciphers, cipherSuites, curves } = this.settings;
    openssl.SSL_CTX_set_options(context, this.#isDatagram ? DATAGRAM_OPTIONS : OPTIONS);
    const mode = SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS;
    openssl.SSL_CTX_ctrl(context, SSL_CTRL_MODE, mode, 0);
    const streamVersion = minVersion === 'TLSv1.3' ? TLS1_3_VERSION : TLS1_2_VERSION;
    const version = this.#isDatagram ? DTLS1_2_VERSION : streamVersion;
    this.#check(
      openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, version, 0),
      minVersion,
    );
    this.#check(openssl.SSL_CTX_set_cipher_list(context, ciphers), `ciphers ${ciphers}`);
    this.#check(openssl.SSL_CTX_set_ciphersuites(context, cipherSuites), `ciphers ${cipherSuites}`);
    const groups = nativeCopy(`${curves}\0`);
    const isSet = openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, groups.address);
    this.#check(isSet, `curves ${curves}`);
  }

  /** Only stateless tickets, and none at all where a resumed session could outlive a revoked client certificate. */
  #setSessions(context: number): void {
    const openssl = loadOpenSsl();
    const { ticketKeys, clientAuth } = this.settings;
    openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, 0);
    openssl.SSL_CTX_set_timeout(context, SESSION_SECONDS);
    if (clientAuth !== 'none') {
      openssl.SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
      openssl.SSL_CTX_set_num_tickets(context, 0);
      return;
    }
    const id = nativeCopy(createHash('sha256').update(this.#listener).digest());
    openssl.SSL_CTX_set_session_id_context(context, id.address, id.bytes.length);
    const keys = nativeCopy(ticketKeys);
    const { length } = ticketKeys;
    this.#check(
      openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_TLSEXT_TICKET_KEYS, length, keys.address),
      'ticket keys',
    );
  }

  #setCertificate(context: number, { certificatePem, keyPem }: CertificatePair): void {
    const openssl = loadOpenSsl();
    readCertificates(certificatePem, (certificate, index) => {
      const isSet =
        index === 0
          ? openssl.SSL_CTX_use_certificate(context, certificate)
          : openssl.SSL_CTX_ctrl(context, SSL_CTRL_CHAIN_CERT, 1, certificate);
      this.#check(isSet, 'the certificate');
    });
    readPrivateKey(keyPem, (key) => {
      this.#check(openssl.SSL_CTX_use_PrivateKey(context, key), 'the private key');
    });
    this.#check(openssl.SSL_CTX_check_private_key(context), 'the private key');
  }

  #setClientAuthentication(context: number): void {
    const openssl = loadOpenSsl();
    const { clientAuth, clientCaPem, clientCrlPem } = this.settings;
    if (clientAuth === 'none') {
      openssl.SSL_CTX_set_verify(context, SSL_VERIFY_NONE, 0);
      return;
    }
    const required = clientAuth === 'require' ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    openssl.SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, 0);
    openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_CERT_LIST, CLIENT_CHAIN_BYTES_MAX, 0);
    const store = openssl.SSL_CTX_get_cert_store(context);
    readCertificates(clientCaPem, (certificate) => {
      this.#check(openssl.X509_STORE_add_cert(store, certificate), 'the client authority');
      openssl.SSL_CTX_add_client_CA(context, certificate);
    });
    if (clientCrlPem === '') return;
    readRevocationLists(clientCrlPem, (list) => {
      this.#check(openssl.X509_STORE_add_crl(store, list), 'the revocation list');
    });
    openssl.X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  }

  #setCallbacks(context: number): void {
    const openssl = loadOpenSsl();
    const { clientHello, alpnSelect, cookieVerify } = handshakeCallbacks();
    openssl.SSL_CTX_set_client_hello_cb(context, clientHello, 0);
    if (this.#isDatagram) openssl.SSL_CTX_set_cookie_verify_cb(context, cookieVerify);
    openssl.SSL_CTX_set_alpn_select_cb(context, alpnSelect, 0);
  }

  #check(result: number, subject: string): void {
    if (result > 0) return;
    const reason = lastOpenSslError();
    const detail = `listener "${this.#listener}": OpenSSL refuses ${subject}: ${reason}`;
    throw new GatewayError('GW_ERR_TLS_POLICY', detail);
  }
}

/** Says why no context can be made of settings; undefined: one can. For any thread. */
export function secureContextProblem(
  listener: string,
  settings: TlsSettings,
  isDatagram: boolean,
): string | undefined {
  try {
    new SecureContext(listener, settings, isDatagram).retire();
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}
