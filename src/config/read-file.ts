import { readFileSync } from 'node:fs';
import { errorText, GatewayError } from '../errors.ts';

/** Reads a configuration file; throws GatewayError GW_ERR_CONFIG_UNREADABLE. */
export function readConfigFile(fileName: string): string {
  try {
    return readFileSync(fileName, 'utf8');
  } catch (error) {
    const detail = `cannot read ${fileName}: ${errorText(error)}`;
    throw new GatewayError('GW_ERR_CONFIG_UNREADABLE', detail, { cause: error });
  }
}
