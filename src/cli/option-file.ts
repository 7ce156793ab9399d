import { readFileSync } from 'node:fs';
import { errorText, GatewayError } from '../errors.ts';

/**
 * Reads the file that an option names; throws GatewayError GW_ERR_USAGE.
 *
 * @param called - what the error calls it.
 */
export function readOptionFile(file: string, called = file): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const detail = `cannot read ${called}: ${errorText(error)}`;
    throw new GatewayError('GW_ERR_USAGE', detail, { cause: error });
  }
}
