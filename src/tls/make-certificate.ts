import 'reflect-metadata';
import { KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  type Extension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { PemPair } from './tls-settings.ts';

const DAY_MS = 86_400_000;

/** What a certificate made here says. */
export interface CertificateContent {
  readonly commonName: string;
  /** DNS names and IP addresses, each once. */
  readonly hosts: readonly string[];
  /** Unix milliseconds; it is valid from a day before, for clients whose clock is slow. */
  readonly now: number;
  /** How long it is valid from now. */
  readonly days: number;
  /** What it has beside what every server certificate needs. */
  readonly extensions: readonly Extension[];
}

/** Makes an ECDSA P-256 key with a certificate that it signs itself, and that nobody trusts. */
export async function makeCertificate(content: CertificateContent): Promise<PemPair> {
  const { commonName, hosts, now, days, extensions } = content;
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: positiveSerialNumber(),
    name: `CN=${commonName}`,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + days * DAY_MS),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new SubjectAlternativeNameExtension(hosts.map(generalName)),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...extensions,
    ],
  });
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' });
  return { certificatePem: `${certificate.toString('pem')}\n`, keyPem: String(key) };
}

function generalName(host: string): JsonGeneralName {
  return { type: isIP(host) === 0 ? 'dns' : 'ip', value: host };
}

/** Hexadecimal, 16 bytes of which the first bit is not set (RFC 5280 §4.1.2.2). */
function positiveSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8(0x40 | (bytes.readUInt8(0) & 0x3f), 0);
  return bytes.toString('hex');
}
