import { isLoopback } from '../config/addresses.ts';
import type { ClientAuth } from '../config/gateway-config.ts';
import { GatewayError } from '../errors.ts';

/** What an HTTP endpoint asks its clients for. */
export interface Protection {
  /** Keys that requests need; empty strings do not count. */
  readonly apiKeys?: readonly string[] | undefined;
  /** Whether clients need a certificate; only `require` counts. */
  readonly clientAuth?: ClientAuth | undefined;
}

/**
 * Refuses an HTTP endpoint that others can reach and that asks nobody for a key or a certificate.
 *
 * @param host - IP address or host name to listen on; empty means every address.
 * @param name - what listens, as the error message names it.
 * @throws GatewayError GW_ERR_HTTP_UNPROTECTED.
 */
export function assertProtected(
  host: string,
  { apiKeys = [], clientAuth }: Protection,
  name = 'the ICE API',
): void {
  if (isLoopback(host) || clientAuth === 'require' || apiKeys.some((key) => key !== '')) return;
  const where = host === '' ? 'every address' : host;
  throw new GatewayError(
    'GW_ERR_HTTP_UNPROTECTED',
    `${name} would listen on ${where} without authentication: ` +
      'configure a key, require client certificates, or listen on 127.0.0.1',
  );
}
