import { readFileSync } from 'node:fs';
import { errorText, GatewayError } from '../errors.ts';

/** Reads PEM of authorities to trust; throws GatewayError GW_ERR_USAGE when the file cannot be used. */
export function readAuthorities(file: string): string {
  const pem = readText(file);
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw new GatewayError('GW_ERR_USAGE', `${file} holds no certificate in PEM form`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const detail = `cannot read ${file}: ${errorText(error)}`;
    throw new GatewayError('GW_ERR_USAGE', detail, { cause: error });
  }
}
