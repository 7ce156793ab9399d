import { CERTIFICATE_WARNING_DAYS } from '../limits.ts';
import type { LogRecord } from '../log.ts';
import type { StoredCertificate } from './certificate-origin.ts';
import type { ClientTrust } from './client-trust.ts';

const DAY_MS = 86_400_000;

/** Tells the log what an operator should do something about, once for each certificate and each file. */
export class CertificateWarnings {
  readonly #log: (record: LogRecord) => void;
  readonly #said = new Set<string>();

  constructor(log: (record: LogRecord) => void) {
    this.#log = log;
  }

  /**
   * Looks at a certificate.
   *
   * @param uses - names of the endpoints that serve it.
   * @param now - Unix milliseconds.
   */
  lookAtCertificate(certificate: StoredCertificate, uses: readonly string[], now: number): void {
    const { leaf, notAfter, notBefore, exposedKeyFile } = certificate;
    const problem = validityProblem(notBefore, notAfter, now);
    if (problem !== undefined) {
      const expires = new Date(notAfter).toISOString();
      const fields = { names: certificate.pair.names, subject: subjectOf(leaf), expires, uses };
      this.#warnOnce(`${problem} ${leaf.fingerprint256}`, problem, fields);
    }
    if (exposedKeyFile !== undefined) {
      const message = 'the file of a private key can be read by every user of this machine';
      this.#warnOnce(`exposed ${exposedKeyFile}`, message, { keyFile: exposedKeyFile });
    }
  }

  /** Looks at what client certificates are verified with; `files` names it. */
  lookAtTrust(trust: ClientTrust, files: readonly string[], now: number): void {
    const { listsValidUntil, authoritiesWithoutList } = trust;
    if (listsValidUntil <= now) {
      const message = 'a revocation list is out of date: no client certificate is accepted';
      this.#warnOnce(`stale ${files.join()} ${listsValidUntil}`, message, { files });
    }
    for (const authority of authoritiesWithoutList) {
      const message =
        'an authority has no revocation list: its client certificates are not accepted';
      this.#warnOnce(`unlisted ${files.join()} ${authority}`, message, { authority, files });
    }
  }

  /** Warns that nobody trusts what these endpoints serve. */
  tellOfGenerated(uses: readonly string[]): void {
    const message =
      'serving a certificate made at start, for development: NO CLIENT TRUSTS IT, give one with cert_file and key_file';
    this.#warnOnce('generated', message, { uses });
  }

  #warnOnce(key: string, message: string, fields: LogRecord['fields']): void {
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.#log({ level: 'warn', scope: 'tls', message, fields });
  }
}

/** The subject of a certificate on one line, for people. */
export function subjectOf({ subject }: { readonly subject: string | undefined }): string {
  return subject?.replaceAll('\n', ', ') ?? '';
}

function validityProblem(notBefore: number, notAfter: number, now: number): string | undefined {
  if (notAfter <= now) return 'a certificate has expired';
  if (notAfter - now < CERTIFICATE_WARNING_DAYS * DAY_MS)
    return `a certificate expires in less than ${CERTIFICATE_WARNING_DAYS} days`;
  return notBefore > now ? 'a certificate is not valid yet' : undefined;
}
