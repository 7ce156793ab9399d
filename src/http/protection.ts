import { isLoopback } from '../config/addresses.ts';
import { GatewayError } from '../errors.ts';

/**
 * Refuses an HTTP endpoint that others can reach and that asks nobody for a key.
 *
 * @param host - IP address or host name to listen on; empty means every address.
 * @param apiKeys - keys that requests need; empty strings do not count.
 * @param name - what listens, as the error message names it.
 * @throws GatewayError GW_ERR_HTTP_UNPROTECTED.
 */
export function assertProtected(
  host: string,
  apiKeys: readonly string[],
  name = 'the ICE API',
): void {
  if (isLoopback(host) || apiKeys.some((key) => key !== '')) return;
  const where = host === '' ? 'every address' : host;
  throw new GatewayError(
    'GW_ERR_HTTP_UNPROTECTED',
    `${name} would listen on ${where} without authentication: configure a key, or listen on 127.0.0.1`,
  );
}
