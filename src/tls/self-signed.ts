import 'reflect-metadata';
import { ExtendedKeyUsage, ExtendedKeyUsageExtension } from '@peculiar/x509';
import { SELF_SIGNED_DAYS } from '../limits.ts';
import { makeCertificate } from './make-certificate.ts';
import type { PemPair } from './tls-settings.ts';

const ALWAYS = ['localhost', '127.0.0.1', '::1'];

/**
 * Makes a certificate that nobody trusts, for `localhost`, both loopback addresses and the given hosts, for 30 days.
 *
 * @param hosts - DNS names and IP addresses.
 * @param now - Unix milliseconds.
 */
export function createSelfSigned(hosts: readonly string[], now: number): Promise<PemPair> {
  return makeCertificate({
    commonName: 'turnpike-development',
    hosts: [...new Set([...ALWAYS, ...hosts])],
    now,
    days: SELF_SIGNED_DAYS,
    extensions: [new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth])],
  });
}
