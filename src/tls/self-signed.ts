import 'reflect-metadata';
import { KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** How long a certificate made here is valid, days. */
export const SELF_SIGNED_DAYS = 30;

const DAY_MS = 86_400_000;
const COMMON_NAME = 'turnpike-development';
const ALWAYS = ['localhost', '127.0.0.1', '::1'];

/** A certificate made here with its key, as PEM. */
export interface SelfSignedCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/**
 * Makes an ECDSA P-256 certificate that nobody trusts, for `localhost`, both loopback addresses and the given hosts. It
 * is valid from a day ago, for clients whose clock is slow, and for 30 days.
 *
 * @param hosts - DNS names and IP addresses.
 * @param now - Unix milliseconds.
 */
export async function createSelfSigned(
  hosts: readonly string[],
  now: number,
): Promise<SelfSignedCertificate> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: positiveSerialNumber(),
    name: `CN=${COMMON_NAME}`,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + SELF_SIGNED_DAYS * DAY_MS),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([...new Set([...ALWAYS, ...hosts])].map(generalName)),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
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
