import 'reflect-metadata';
import { KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralNames,
  type JsonNameParams,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
  X509CrlReason,
} from '@peculiar/x509';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Key pairs that test certificates are made with. */
export type KeyKind = 'ecdsa-p256' | 'rsa-2048';

/** What a test certificate says; everything is optional. */
export interface CertificateOptions {
  /** `CN=alice,O=Example`, or attribute by attribute; made from the first name unless given. */
  readonly subject?: string | JsonNameParams;
  /** DNS names and IP addresses of the subject alternative name. */
  readonly names?: readonly string[];
  /** Further alternative names, such as `{ type: 'url', value: 'spiffe://…' }`. */
  readonly otherNames?: JsonGeneralNames;
  readonly keyKind?: KeyKind;
  /** Ends the validity yesterday, or begins it tomorrow. */
  readonly validity?: 'now' | 'expired' | 'not-yet-valid';
  /** Days that a valid one is still valid for; 90 unless given. */
  readonly days?: number;
  /** Extended key usage, to make one that is wrong for its purpose. */
  readonly usage?: 'server' | 'client' | 'none';
}

/** A test certificate with its key, as PEM. */
export interface TestCertificate {
  readonly certificatePem: string;
  /** The certificate, then the authorities below the root that issued it. */
  readonly chainPem: string;
  /** Unencrypted PKCS #8. */
  readonly keyPem: string;
  /** Hexadecimal, for a revocation list. */
  readonly serialNumber: string;
}

/** Paths of a certificate and its key. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Writes `NAME.crt` (the whole chain) and `NAME.key` (mode 0600) into a folder, which is made when it is missing. */
export async function writeCertificate(
  certificate: TestCertificate,
  folder: string,
  name = 'tls',
): Promise<CertificateFiles> {
  await mkdir(folder, { recursive: true });
  const files = { certFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) };
  await writeFile(files.certFile, certificate.chainPem);
  await writeFile(files.keyFile, certificate.keyPem, { mode: 0o600 });
  return files;
}

/** A certificate authority for tests; a second one plays the wrong authority. */
export class CertificateAuthority {
  readonly #certificate: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;
  /** Own certificate and those above it, without the root. */
  readonly #chainPem: string;

  private constructor(
    certificate: X509Certificate,
    keys: webcrypto.CryptoKeyPair,
    chainPem: string,
  ) {
    this.#certificate = certificate;
    this.#keys = keys;
    this.#chainPem = chainPem;
  }

  /** Makes a root. */
  static async create(
    options: { readonly name?: string; readonly keyKind?: KeyKind } = {},
  ): Promise<CertificateAuthority> {
    const keys = await generateKeys(options.keyKind);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: randomSerialNumber(),
      name: `CN=${options.name ?? 'Test Root'}`,
      ...validityOf({ days: 365 }),
      keys,
      signingAlgorithm: signingAlgorithmOf(keys),
      extensions: await authorityExtensions(keys.publicKey),
    });
    return new CertificateAuthority(certificate, keys, '');
  }

  /** The certificate of this authority: what clients or servers trust. */
  get certificatePem(): string {
    return pemOf(this.#certificate);
  }

  /** Makes an authority below this one. */
  async createIntermediate(name = 'Test Intermediate'): Promise<CertificateAuthority> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.create({
      serialNumber: randomSerialNumber(),
      subject: `CN=${name}`,
      issuer: this.#certificate.subjectName,
      ...validityOf({ days: 180 }),
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: signingAlgorithmOf(this.#keys),
      extensions: [
        ...(await authorityExtensions(keys.publicKey)),
        await AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
      ],
    });
    return new CertificateAuthority(certificate, keys, pemOf(certificate) + this.#chainPem);
  }

  /** Issues a certificate for a server, for `localhost` and both loopback addresses unless names are given. */
  async issueServer(options: CertificateOptions = {}): Promise<TestCertificate> {
    return this.#issue({ names: ['localhost', '127.0.0.1', '::1'], usage: 'server', ...options });
  }

  /** Issues a certificate for a client, `CN=client` unless a subject is given. */
  async issueClient(options: CertificateOptions = {}): Promise<TestCertificate> {
    return this.#issue({ subject: 'CN=client', usage: 'client', ...options });
  }

  /** PEM of a revocation list with these serial numbers, valid for a week around now. */
  async revocationList(serialNumbers: readonly string[] = []): Promise<string> {
    const list = await X509CrlGenerator.create({
      issuer: this.#certificate.subjectName,
      thisUpdate: new Date(Date.now() - HOUR_MS),
      nextUpdate: new Date(Date.now() + 7 * DAY_MS),
      // An entry without any extension would be encoded with an empty list of them, which OpenSSL refuses.
      entries: serialNumbers.map((serialNumber) => ({
        serialNumber,
        reason: X509CrlReason.keyCompromise,
      })),
      signingAlgorithm: signingAlgorithmOf(this.#keys),
      signingKey: this.#keys.privateKey,
    });
    return pemOf(list, 'X509 CRL');
  }

  /** Writes the certificate of this authority to `NAME.crt` and returns the path. */
  async writeTo(folder: string, name = 'ca'): Promise<string> {
    return writeText(folder, `${name}.crt`, this.certificatePem);
  }

  /** Writes a revocation list to `NAME.crl` and returns the path. */
  async writeRevocationListTo(
    folder: string,
    serialNumbers: readonly string[] = [],
    name = 'ca',
  ): Promise<string> {
    return writeText(folder, `${name}.crl`, await this.revocationList(serialNumbers));
  }

  async #issue(options: CertificateOptions): Promise<TestCertificate> {
    const keys = await generateKeys(options.keyKind);
    const certificate = await X509CertificateGenerator.create({
      serialNumber: randomSerialNumber(),
      subject: nameOf(options),
      issuer: this.#certificate.subjectName,
      ...validityOf(options),
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: signingAlgorithmOf(this.#keys),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        await AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        ...usageExtensions(options),
        ...alternativeNameExtensions(options),
      ],
    });
    return {
      certificatePem: pemOf(certificate),
      chainPem: pemOf(certificate) + this.#chainPem,
      keyPem: String(KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' })),
      serialNumber: certificate.serialNumber,
    };
  }
}

async function generateKeys(kind: KeyKind = 'ecdsa-p256'): Promise<webcrypto.CryptoKeyPair> {
  const usages: webcrypto.KeyUsage[] = ['sign', 'verify'];
  const hash = 'SHA-256';
  if (kind === 'ecdsa-p256') {
    return webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, usages);
  }
  const publicExponent = new Uint8Array([1, 0, 1]);
  return webcrypto.subtle.generateKey(
    { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent, hash },
    true,
    usages,
  );
}

function signingAlgorithmOf(keys: webcrypto.CryptoKeyPair): { name: string; hash: string } {
  return { name: keys.privateKey.algorithm.name, hash: 'SHA-256' };
}

async function authorityExtensions(publicKey: webcrypto.CryptoKey) {
  return [
    new BasicConstraintsExtension(true, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    await SubjectKeyIdentifierExtension.create(publicKey),
  ];
}

function usageExtensions({ usage }: CertificateOptions): ExtendedKeyUsageExtension[] {
  if (usage === undefined || usage === 'none') return [];
  return [
    new ExtendedKeyUsageExtension([
      usage === 'server' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth,
    ]),
  ];
}

function alternativeNameExtensions({
  names = [],
  otherNames = [],
}: CertificateOptions): SubjectAlternativeNameExtension[] {
  const all: JsonGeneralNames = [
    ...names.map((value) => ({
      type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
      value,
    })),
    ...otherNames,
  ];
  return all.length === 0 ? [] : [new SubjectAlternativeNameExtension(all)];
}

function nameOf({ subject, names }: CertificateOptions): Name {
  return new Name(subject ?? `CN=${names?.[0] ?? 'nobody'}`);
}

function validityOf({ validity = 'now', days = 90 }: CertificateOptions): {
  notBefore: Date;
  notAfter: Date;
} {
  const shiftMs = { now: 0, expired: -(days + 1) * DAY_MS, 'not-yet-valid': 2 * DAY_MS }[validity];
  const now = Date.now() + shiftMs;
  return { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + days * DAY_MS) };
}

/** Positive, and of 16 bytes. */
function randomSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return bytes.toString('hex');
}

function pemOf({ rawData }: { rawData: ArrayBuffer }, tag = 'CERTIFICATE'): string {
  return `${PemConverter.encode(rawData, tag)}\n`;
}

async function writeText(folder: string, name: string, text: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}
