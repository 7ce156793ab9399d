import type { ClientAuth, ClientIdentity, TlsVersion } from '../config/gateway-config.ts';

/** A certificate with its private key. */
export interface PemPair {
  /** PEM: the certificate itself first, then its chain. */
  readonly certificatePem: string;
  /** PEM of the unencrypted key (PKCS #8). */
  readonly keyPem: string;
}

/** A certificate chain with its private key, ready for use; plain data. */
export interface CertificatePair extends PemPair {
  /** Lower-case DNS names that it is for; the first label may be `*`. */
  readonly names: readonly string[];
}

/** All that an endpoint speaks TLS or DTLS with at one moment; plain data that can be posted to a worker. */
export interface TlsSettings {
  /** The default one first; never empty. */
  readonly certificates: readonly CertificatePair[];
  readonly minVersion: TlsVersion;
  /** Cipher list of TLS 1.2 and DTLS 1.2 as OpenSSL reads it. */
  readonly ciphers: string;
  /** Cipher suites of TLS 1.3. */
  readonly cipherSuites: string;
  /** Key exchange groups, all of them known to this OpenSSL. */
  readonly curves: string;
  readonly clientAuth: ClientAuth;
  /** PEM of the authorities that client certificates are trusted from; empty without client authentication. */
  readonly clientCaPem: string;
  /** PEM of their revocation lists; when there is one, every authority needs one. */
  readonly clientCrlPem: string;
  readonly clientIdentities: readonly ClientIdentity[];
  /** TICKET_KEYS_BYTES of secret, the same everywhere, so that sessions are resumed by any worker. */
  readonly ticketKeys: Uint8Array;
  /** Certificates that answer TLS-ALPN-01 challenges (RFC 8737), by their one name. */
  readonly challenges: readonly CertificatePair[];
}

/** The ALPN protocol of TLS-ALPN-01 challenges (RFC 8737 §6.2). */
export const ACME_TLS_PROTOCOL = 'acme-tls/1';

/** Bytes of ticket keys: OpenSSL takes 80, of which Node.js takes the first 48. */
export const TICKET_KEYS_BYTES = 80;
