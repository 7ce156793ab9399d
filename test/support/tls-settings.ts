import { randomBytes, X509Certificate } from 'node:crypto';
import {
  CIPHER_SUITES_DEFAULT,
  CIPHERS_DEFAULT,
  CURVES_DEFAULT,
  TLS_VERSION_DEFAULT,
} from '../../src/config/default-values.ts';
import { groupsInForce } from '../../src/tls/policy.ts';
import {
  TICKET_KEYS_BYTES,
  type CertificatePair,
  type TlsSettings,
} from '../../src/tls/tls-settings.ts';
import type { TestCertificate } from './certificate-authority.ts';

/** Settings with the default policy; the first certificate is the default one. */
export function tlsSettings(
  certificates: readonly TestCertificate[],
  changes: Partial<TlsSettings> = {},
): TlsSettings {
  const policy = {
    ciphers: CIPHERS_DEFAULT,
    cipherSuites: CIPHER_SUITES_DEFAULT,
    curves: CURVES_DEFAULT,
  };
  return {
    ...policy,
    certificates: certificates.map(pairOf),
    minVersion: TLS_VERSION_DEFAULT,
    curves: groupsInForce(policy),
    clientAuth: 'none',
    clientCaPem: '',
    clientCrlPem: '',
    clientIdentities: [],
    ticketKeys: randomBytes(TICKET_KEYS_BYTES),
    challenges: [],
    ...changes,
  };
}

function pairOf({ certificatePem, chainPem, keyPem }: TestCertificate): CertificatePair {
  const { subjectAltName = '' } = new X509Certificate(certificatePem);
  const names = [...subjectAltName.matchAll(/DNS:([^,\s]+)/g)].map(([, name = '']) => name);
  return { certificatePem: chainPem, keyPem, names };
}
