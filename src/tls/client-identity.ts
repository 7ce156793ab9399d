import type { X509Certificate } from 'node:crypto';
import { parseSubject, type SubjectItem } from '../config/certificate-subjects.ts';
import type { ClientIdentity } from '../config/gateway-config.ts';
import { ICE_USER_ID_BYTES_MAX } from '../limits.ts';
import { certificateSubject, type CertificateSubject } from './certificate-subject.ts';

/** What a client certificate stands for. */
export interface IdentifiedClient {
  /** Undefined: the user id of the credential. */
  readonly userId: string | undefined;
  /** Names of clusters; undefined: all that the credential allows. */
  readonly routes: readonly string[] | undefined;
}

/**
 * Finds what a client certificate stands for; the first identity that fits counts.
 *
 * Subjects are read by `parseSubject`. Values are compared exactly, DNS names without regard to case.
 *
 * @param certificate - verified already; only its DER is read.
 * @returns undefined when no identity fits, or when the certificate cannot be read.
 */
export function identifyClient(
  identities: readonly ClientIdentity[],
  certificate: Pick<X509Certificate, 'raw'>,
): IdentifiedClient | undefined {
  if (identities.length === 0) return undefined;
  const subject = readSubject(certificate.raw);
  if (subject === undefined) return NOBODY;
  for (const identity of identities) {
    if (!fits(identity.subject, subject)) continue;
    const userId = identity.userId && fillIn(identity.userId, subject);
    // A name that cannot be told for sure must not fall back to somebody else's, nor to more routes.
    if (identity.userId !== undefined && userId === undefined) return NOBODY;
    return { userId, routes: identity.routes };
  }
  return undefined;
}

/** Reaches nothing. */
const NOBODY: IdentifiedClient = { userId: undefined, routes: [] };

function readSubject(der: Uint8Array): CertificateSubject | undefined {
  try {
    return certificateSubject(der);
  } catch {
    return undefined;
  }
}

function fits(text: string, subject: CertificateSubject): boolean {
  return parseSubject(text)?.every((item) => holds(item, subject)) ?? false;
}

function holds(item: SubjectItem, subject: CertificateSubject): boolean {
  if (item.kind === 'attribute') return subject.attribute(item.name).includes(item.value);
  const names = subject.alternativeNames(item.kind);
  if (item.kind !== 'dns') return names.includes(item.value);
  return names.some((name) => name.toLowerCase() === item.value.toLowerCase());
}

function fillIn(userId: string, subject: CertificateSubject): string | undefined {
  if (!userId.includes('{CN}')) return userId;
  const [commonName, ...others] = subject.attribute('CN');
  if (commonName === undefined || others.length > 0 || !isPlain(commonName)) return undefined;
  const filled = userId.replaceAll('{CN}', () => commonName);
  return Buffer.byteLength(filled) <= ICE_USER_ID_BYTES_MAX ? filled : undefined;
}

/** Text without control characters and without the mark of bytes that were no text. */
function isPlain(text: string): boolean {
  return text !== '' && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD]/u.test(text);
}
