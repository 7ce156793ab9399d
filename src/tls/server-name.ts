import { normaliseHostName } from '../config/addresses.ts';
import type { CertificatePair } from './tls-settings.ts';

/**
 * Chooses the certificate for the name that a client asks for (RFC 6066 §3): an exact name beats a wildcard, a wildcard
 * stands for exactly one label (RFC 6125 §6.4.3), and the first certificate serves everybody else.
 *
 * @param certificates - certificates, or whatever is made from them; never empty.
 * @param serverName - the name as the client sent it, undefined when it sent none.
 */
export function selectCertificate<T extends { readonly names: readonly string[] }>(
  certificates: readonly T[],
  serverName: string | undefined,
): T {
  const [first] = certificates;
  if (first === undefined) throw new RangeError('there is no certificate to choose from');
  if (serverName === undefined || serverName === '') return first;
  const name = normaliseHostName(serverName);
  const wildcard = name.replace(/^[^.]+(?=\.)/, '*');
  const holderOf = (wanted: string): T | undefined =>
    certificates.find(({ names }) => names.includes(wanted));
  return holderOf(name) ?? holderOf(wildcard) ?? first;
}

/**
 * Chooses the certificate that answers a TLS-ALPN-01 challenge.
 *
 * @param serverName - the name as the client sent it, undefined when it sent none.
 * @returns undefined when no challenge is for that name, which is to be refused then (RFC 8737 §3).
 */
export function selectChallenge(
  challenges: readonly CertificatePair[],
  serverName: string | undefined,
): CertificatePair | undefined {
  if (serverName === undefined) return undefined;
  const wanted = normaliseHostName(serverName);
  return challenges.find(({ names }) => names.includes(wanted));
}
