import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { Extension } from '@peculiar/x509';
import { makeCertificate } from '../tls/make-certificate.ts';
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

/**
 * Makes the certificate that answers a challenge (RFC 8737 §3). The one that acme-client makes is not for signing,
 * which OpenSSL minds.
 */
async function createChallengeCertificate({
  domain,
  keyAuthorization,
}: Pick<ChallengeAnswer, 'domain' | 'keyAuthorization'>): Promise<CertificatePair> {
  const digest = createHash('sha256').update(keyAuthorization).digest();
  const identifier = Uint8Array.from([DER_OCTET_STRING, digest.length, ...digest]);
  const pair = await makeCertificate({
    commonName: 'ACME challenge',
    hosts: [domain],
    now: Date.now(),
    days: 1,
    extensions: [new Extension(ACME_IDENTIFIER, true, identifier)],
  });
  return { ...pair, names: [domain.toLowerCase()] };
}
