import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { pageHost, type CallOptions } from './options.ts';

/** Paths of a certificate, its key, and both in one file. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly bothFile: string;
}

/** Finds the certificate for the page and TURN over TLS, or makes one; undefined when TLS is off. */
export async function prepareCertificate(
  options: CallOptions,
  folder: string,
): Promise<CertificateFiles | undefined> {
  if (options.tls === 'off') return undefined;
  const { certificatePem, keyPem } = await pemOf(options);
  const files = {
    certFile: join(folder, 'tls.crt'),
    keyFile: join(folder, 'tls.key'),
    bothFile: join(folder, 'tls.pem'),
  };
  await writeFile(files.certFile, certificatePem);
  await writeFile(files.keyFile, keyPem, { mode: 0o600 });
  await writeFile(files.bothFile, certificatePem + keyPem, { mode: 0o600 });
  return files;
}

async function pemOf(options: CallOptions) {
  const { certificateFiles: files } = options;
  if (files === undefined) return createSelfSigned([pageHost(options), hostname()], Date.now());
  return {
    certificatePem: await readFile(files.cert, 'utf8'),
    keyPem: await readFile(files.key, 'utf8'),
  };
}
