import type { X509Certificate } from 'node:crypto';
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
 * A subject is a list of items separated by commas, all of which must hold: `CN=…`, `O=…` or any other attribute,
 * `DNS:…`, `URI:…`, `email:…`, or `*` for every certificate. Values are compared exactly, DNS names without regard to
 * case; a comma within a value is written `\,`.
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
  if (subject === undefined) return undefined;
  for (const identity of identities) {
    if (!itemsOf(identity.subject).every((item) => holds(item, subject))) continue;
    const userId = identity.userId && fillIn(identity.userId, subject);
    // A name that cannot be told for sure must not fall back to somebody else's.
    if (identity.userId !== undefined && userId === undefined) continue;
    return { userId, routes: identity.routes };
  }
  return undefined;
}

function readSubject(der: Uint8Array): CertificateSubject | undefined {
  try {
    return certificateSubject(der);
  } catch {
    return undefined;
  }
}

function itemsOf(subject: string): string[] {
  const items = subject.match(/(?:\\.|[^,\\])+|(?<=,|^)(?=,|$)/g) ?? [''];
  return items.map((item) => item.trim().replaceAll(/\\(.)/g, '$1'));
}

function holds(item: string, subject: CertificateSubject): boolean {
  if (item === '*') return true;
  const [, name = '', separator, value = ''] = /^([\w.]+)([=:])(.+)$/s.exec(item) ?? [];
  if (separator === '=') return subject.attribute(name).includes(value);
  if (name === 'DNS')
    return lowerCase(subject.alternativeNames('dns')).includes(value.toLowerCase());
  if (name === 'URI') return subject.alternativeNames('uri').includes(value);
  return name === 'email' && subject.alternativeNames('email').includes(value);
}

function lowerCase(names: readonly string[]): string[] {
  return names.map((name) => name.toLowerCase());
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
