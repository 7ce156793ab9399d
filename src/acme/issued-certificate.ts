import { textContent } from '../tls/file-content.ts';
import { parsePem } from '../tls/load-certificate.ts';
import type { CertificatePair, PemPair } from '../tls/tls-settings.ts';

/** A certificate of the directory with its key. */
export interface IssuedCertificate extends CertificatePair {
  /** Unix milliseconds. */
  readonly validFrom: number;
  /** Unix milliseconds. */
  readonly validTo: number;
}

/**
 * Reads PEM with a private key, its certificate and the chain of that; it may have expired.
 *
 * @throws GatewayError GW_ERR_CERTIFICATE when one is missing or damaged, or when they do not belong together.
 */
export function readIssuedCertificate(pem: string): IssuedCertificate {
  const content = textContent('the ACME certificate', pem);
  const { pair, leaf } = parsePem([content], undefined);
  const [validFrom, validTo] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
  return { ...pair, validFrom, validTo };
}

/** Writes what `readIssuedCertificate` reads. */
export function formatIssuedCertificate(pair: PemPair): string {
  return pair.keyPem + pair.certificatePem;
}

/** Whether a certificate is for these domains, in lower case, and no others. */
export function isFor({ names }: CertificatePair, domains: readonly string[]): boolean {
  const wanted = new Set(domains);
  return wanted.size === new Set(names).size && names.every((name) => wanted.has(name));
}
