import { GatewayError } from '../errors.ts';
import { readOptionFile } from './option-file.ts';

/** Reads PEM of authorities to trust; throws GatewayError GW_ERR_USAGE when the file cannot be used. */
export function readAuthorities(file: string): string {
  const pem = readOptionFile(file);
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw new GatewayError('GW_ERR_USAGE', `${file} holds no certificate in PEM form`);
}
