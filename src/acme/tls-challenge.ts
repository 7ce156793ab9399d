import 'reflect-metadata';
import { createHash, KeyObject, randomBytes, webcrypto } from 'node:crypto';
import {
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { CertificatePair } from '../tls/tls-settings.ts';
import type { ChallengeAnswer, ServeAnswers } from './challenge-answer.ts';

/**
 * Serves the answers to TLS-ALPN-01 challenges (RFC 8737) as certificates.
 *
 * @param publish - hands the certificates to the TLS endpoints, none when they are over; resolves once they serve them.
 */
export function serveTlsAnswers(
  publish: (challenges: readonly CertificatePair[]) => Promise<void>,
): ServeAnswers {
  const withdraw = () => publish([]);
  return async (answers) => {
    const challenges = await Promise.all(answers.map(createChallengeCertificate));
    try {
      await publish(challenges);
    } catch (error) {
      await withdraw().catch(() => undefined);
      throw error;
    }
    return withdraw;
  };
}

/** RFC 8737 §6.1: id-pe-acmeIdentifier. */
const ACME_IDENTIFIER = '1.3.6.1.5.5.7.1.31';
const DER_OCTET_STRING = 0x04;
const DAY_MS = 86_400_000;

/**
 * Makes the certificate that answers a challenge (RFC 8737 §3). The one that acme-client makes is not for signing,
 * which OpenSSL minds.
 */
export async function createChallengeCertificate({
  domain,
  keyAuthorization,
}: Pick<ChallengeAnswer, 'domain' | 'keyAuthorization'>): Promise<CertificatePair> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const digest = createHash('sha256').update(keyAuthorization).digest();
  const identifier = Uint8Array.from([DER_OCTET_STRING, digest.length, ...digest]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    name: 'CN=ACME challenge',
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: domain }]),
      new Extension(ACME_IDENTIFIER, true, identifier),
    ],
  });
  return {
    certificatePem: `${certificate.toString('pem')}\n`,
    keyPem: String(KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' })),
    names: [domain.toLowerCase()],
  };
}
