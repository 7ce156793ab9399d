import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import type { PemPair } from '../../src/tls/tls-settings.ts';
import { ADDRESSES } from '../settings.ts';

let certificate: Promise<PemPair> | undefined;

/** Where the certificate of all servers and its key lie in the folder of a server. */
export function certificateFiles(folder: string): { certificate: string; key: string } {
  return { certificate: join(folder, 'server.crt'), key: join(folder, 'server.key') };
}

/** Puts the certificate, with ECDSA over P-256 and the same for every server of this process, into a folder. */
export async function writeCertificate(folder: string): Promise<void> {
  certificate ??= createSelfSigned(
    Object.values(ADDRESSES).map(({ server }) => server),
    Date.now(),
  );
  const { certificatePem, keyPem } = await certificate;
  const files = certificateFiles(folder);
  writeFileSync(files.certificate, certificatePem);
  writeFileSync(files.key, keyPem, { mode: 0o600 });
}
