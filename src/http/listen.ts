import { Server as TlsServer } from 'node:tls';

import type { FastifyInstance } from 'fastify';

import type { HttpEndpoint } from '../config/gateway-config.ts';
import { formatHttpEndpoint } from '../config/http-endpoints.ts';
import { errorText, GatewayError } from '../errors.ts';

/**
 * Starts to listen.
 *
 * @param host - empty means every address of both families.
 * @param port - 0 lets the system choose.
 * @param name - what listens, as the error message names it.
 * @returns the address that is served, such as `http://127.0.0.1:8088`; `https:` when the server speaks TLS.
 * @throws GatewayError GW_ERR_LISTEN when the address cannot be had.
 */
export async function listen(
  app: FastifyInstance,
  { host, port }: Pick<HttpEndpoint, 'host' | 'port'>,
  name = 'the ICE API',
): Promise<string> {
  const scheme = app.server instanceof TlsServer ? 'https' : 'http';
  try {
    const url = await app.listen({ host: host === '' ? '::' : host, port });
    return url.replace(/^http(?=:)/, scheme);
  } catch (error) {
    const url = formatHttpEndpoint({ host, port }, scheme);
    throw new GatewayError('GW_ERR_LISTEN', `${name} cannot listen on ${url}: ${reason(error)}`, {
      cause: error,
    });
  }
}

const REASONS = new Map([
  ['EADDRINUSE', 'address already in use; stop the other program, or choose another port'],
  ['EACCES', 'permission denied; ports below 1024 need a privilege'],
  ['EADDRNOTAVAIL', 'this machine does not have that address'],
  ['ENOTFOUND', 'unknown host name'],
]);

function reason(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  return REASONS.get(code) ?? errorText(error);
}
