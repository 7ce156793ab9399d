import type { CertificateSource } from '../config/gateway-config.ts';
import type { StoredCertificate } from './certificate-origin.ts';
import { subjectOf } from './certificate-warnings.ts';
import type { Followed } from './kept-value.ts';

/** How it goes with files that are followed. */
export interface FollowedFiles {
  readonly files: readonly string[];
  /** Names of the endpoints that use what they hold. */
  readonly uses: readonly string[];
  /** How often they came to hold something that cannot be used. */
  readonly failures: number;
  /** Why they cannot be used now; undefined when they can. */
  readonly lastError: string | undefined;
}

/** A certificate in use. */
export interface CertificateStatus extends FollowedFiles {
  readonly kind: CertificateSource['kind'];
  readonly names: readonly string[];
  readonly subject: string;
  /** SHA-256 of the certificate as hexadecimal bytes with colons between them. */
  readonly fingerprint256: string;
  /** Unix seconds. */
  readonly notAfter: number;
}

/** What the store has in use. */
export interface StoreStatus {
  readonly certificates: readonly CertificateStatus[];
  /** Client authorities with their revocation lists. */
  readonly clientTrusts: readonly FollowedFiles[];
}

/** A certificate with its files and the endpoints that use it. */
export interface FollowedCertificate extends Followed<StoredCertificate> {
  readonly kind: CertificateSource['kind'];
}

/** Describes a certificate that has been loaded. */
export function certificateStatus(certificate: FollowedCertificate): CertificateStatus {
  const { leaf, pair, notAfter } = certificate.kept.value;
  return {
    ...filesStatus(certificate),
    kind: certificate.kind,
    names: pair.names,
    subject: subjectOf(leaf),
    fingerprint256: leaf.fingerprint256,
    notAfter: Math.floor(notAfter / 1000),
  };
}

/** Describes how it goes with files. */
export function filesStatus({ kept, files, uses }: Followed<unknown>): FollowedFiles {
  const { failures, lastError } = kept;
  return { files, uses: [...uses], failures, lastError };
}
