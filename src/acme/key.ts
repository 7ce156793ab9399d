import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

/** Makes an ECDSA key on the curve P-256, as PEM of PKCS #8. */
export async function generateKeyPem(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  return String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}
