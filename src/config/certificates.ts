import type { CertificateSource } from './gateway-config.ts';
import type { FileFacts, NormaliseContext } from './normalise-context.ts';
import { formatPath, type Path } from './problems.ts';
import { readSecret } from './secrets.ts';
import type { TlsSection } from './tls-schema.ts';

/** The keys that name a certificate, in the order in which they are complained about. */
const CERTIFICATE_KEYS = ['pkcs12_file', 'cert', 'cert_file', 'key', 'key_file'] as const;

/** A section that may name a certificate. */
export type CertificateSection = {
  readonly [Key in (typeof CERTIFICATE_KEYS)[number]]?: string;
};

/** A section of the file with its path. */
export interface Placed<Section> {
  readonly section: Section;
  readonly path: Path;
}

/**
 * Where the certificate of an endpoint comes from: what its `tls` section names, else what the endpoint itself names
 * (STUNner's `cert` and `key`), else the `acme` section, else one made at start, with a warning.
 *
 * @param owner - the endpoint that the section belongs to; `protocolKey` is where the warning points to.
 */
export function certificateOf(
  tls: Placed<TlsSection>,
  owner: Placed<CertificateSection> & { readonly protocolKey: string },
  { hasAcme }: Pick<FileFacts, 'hasAcme'>,
  context: NormaliseContext,
): CertificateSource {
  const { report } = context;
  const passphrase = readPassphrase(tls, context);
  const place = certificatePlace(tls, owner, context);
  if (place !== undefined) {
    refuseWord(tls, place, context);
    return readCertificate(place, passphrase, context) ?? { kind: 'generated' };
  }
  if (passphrase !== undefined) {
    const message = 'has no effect; no key is given that it could open';
    report.warning([...tls.path, 'key_passphrase'], message, 'key');
  }
  return withoutFiles(tls, owner, hasAcme, context);
}

/** The certificate of an entry of `sni`. */
export function sniCertificateOf(
  entry: Placed<CertificateSection>,
  context: NormaliseContext,
): CertificateSource | undefined {
  const passphrase = readPassphrase(entry, context);
  if (givenKeys(entry.section).length > 0) return readCertificate(entry, passphrase, context);
  const message = 'is missing; an entry of sni needs cert_file and key_file, or pkcs12_file';
  context.report.problem([...entry.path, 'cert_file'], message);
  return undefined;
}

/** The keys of a section that name a certificate; empty text counts as absent. */
export function givenKeys(section: CertificateSection): (typeof CERTIFICATE_KEYS)[number][] {
  return CERTIFICATE_KEYS.filter((key) => Boolean(section[key]));
}

function readPassphrase(
  { section, path }: Placed<Readonly<Record<string, unknown>>>,
  context: NormaliseContext,
): string | undefined {
  return readSecret(section, 'key_passphrase', path, context)?.text || undefined;
}

function certificatePlace(
  tls: Placed<TlsSection>,
  owner: Placed<CertificateSection>,
  { report }: NormaliseContext,
): Placed<CertificateSection> | undefined {
  const [inside] = givenKeys(tls.section);
  const [outside] = givenKeys(owner.section);
  if (inside === undefined) return outside === undefined ? undefined : owner;
  if (outside !== undefined) {
    const other = formatPath([...owner.path, outside]);
    const message = `cannot stand next to ${other}; give the certificate in one place`;
    report.problem([...tls.path, inside], message, 'key');
  }
  return tls;
}

function refuseWord(
  tls: Placed<TlsSection>,
  place: Placed<CertificateSection>,
  { report }: NormaliseContext,
): void {
  if (!tls.section.certificate) return;
  const [other] = givenKeys(place.section);
  report.problem([...tls.path, 'certificate'], `cannot stand next to ${other}`, 'key');
}

function readCertificate(
  { section, path }: Placed<CertificateSection>,
  passphrase: string | undefined,
  context: NormaliseContext,
): CertificateSource | undefined {
  const { report, resolvePath } = context;
  const [first, second] = givenKeys(section);
  if (first === 'pkcs12_file') {
    if (second !== undefined) {
      const message = `cannot stand next to ${second}; give one of them`;
      report.problem([...path, first], message, 'key');
    }
    return { kind: 'pkcs12', file: resolvePath(section.pkcs12_file ?? ''), passphrase };
  }
  if (!isPair({ section, path }, context)) return undefined;
  const { cert, key, cert_file: certFile, key_file: keyFile } = section;
  if (certFile && keyFile && !cert && !key) {
    const [certPath, keyPath] = [resolvePath(certFile), resolvePath(keyFile)];
    return { kind: 'files', certFile: certPath, keyFile: keyPath, passphrase };
  }
  const certificatePem = readPem(section, 'cert', path, context);
  const keyPem = readPem(section, 'key', path, context);
  if (certificatePem === undefined || keyPem === undefined) return undefined;
  return { kind: 'inline', certificatePem, keyPem, passphrase };
}

function isPair(
  { section, path }: Placed<CertificateSection>,
  { report }: NormaliseContext,
): boolean {
  const keys = givenKeys(section);
  const [first] = keys;
  if (first === undefined) return false;
  const hasCertificate = first.startsWith('cert');
  const hasKey = keys.some((name) => name.startsWith('key'));
  if (hasCertificate && hasKey) return true;
  const missing = hasCertificate ? first.replace('cert', 'key') : first.replace('key', 'cert');
  report.problem([...path, first], `needs ${missing} next to it`, 'key');
  return false;
}

/** PEM text, given as such or as base64 of it (STUNner). */
function readPem(
  section: CertificateSection,
  key: 'cert' | 'key',
  path: Path,
  context: NormaliseContext,
): string | undefined {
  const secret = readSecret(section, key, path, context);
  if (secret === undefined) return undefined;
  const pem = [secret.text, decodeBase64(secret.text)].find((text) => text.includes('-----BEGIN '));
  if (pem === undefined) {
    const what = key === 'cert' ? 'certificate' : 'private key';
    context.report.problem(secret.path, `must be a ${what} as PEM text, or base64 of it`);
  }
  return pem;
}

function decodeBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('latin1');
}

function withoutFiles(
  tls: Placed<TlsSection>,
  owner: Placed<unknown> & { readonly protocolKey: string },
  hasAcme: boolean,
  { report }: NormaliseContext,
): CertificateSource {
  const word = tls.section.certificate?.toLowerCase();
  if (word === 'acme' && !hasAcme) {
    report.problem([...tls.path, 'certificate'], 'needs an acme section');
  }
  if (word === 'acme' || (hasAcme && word !== 'generated')) return { kind: 'acme' };
  if (word !== 'generated') {
    const instead = 'give tls.cert_file and tls.key_file';
    const message = `gets a certificate made at start, for development only: nobody trusts it; ${instead}`;
    report.warning([...owner.path, owner.protocolKey], message);
  }
  return { kind: 'generated' };
}
