import { Agent } from 'node:https';
import type * as Acme from 'acme-client';
import { GatewayError } from '../errors.ts';
import { ACME_ANSWER_BYTES_MAX, ACME_REQUEST_SECONDS_MAX } from '../limits.ts';

/** What the optional package acme-client exports. */
export type AcmeLibrary = typeof Acme;

/**
 * Loads acme-client.
 *
 * @param load - stands in for the import in tests.
 * @throws GatewayError GW_ERR_ACME with the command that installs it when it is missing.
 */
export async function loadAcmeLibrary(
  load: () => Promise<AcmeLibrary> = () => import('acme-client'),
): Promise<AcmeLibrary> {
  try {
    return await load();
  } catch (error) {
    const detail = 'the acme section needs the package acme-client: npm install acme-client@5';
    throw new GatewayError('GW_ERR_ACME', detail, { cause: error });
  }
}

/**
 * Says how acme-client reaches the directory; it has one HTTP client of its own for all of its accounts.
 *
 * @param caPem - PEM of the authorities that the directory is trusted from; undefined: those of Node.js.
 * @param signal - ends the requests under way and refuses new ones.
 */
export function setTransport(
  { axios }: AcmeLibrary,
  caPem: string | undefined,
  signal: AbortSignal,
): void {
  // They repeat failed requests for minutes, cannot be interrupted, and hide why a connection failed.
  axios.interceptors.request.clear();
  axios.interceptors.response.clear();
  Object.assign(axios.defaults, {
    httpsAgent: new Agent(caPem === undefined ? {} : { ca: caPem }),
    timeout: ACME_REQUEST_SECONDS_MAX * 1000,
    maxContentLength: ACME_ANSWER_BYTES_MAX,
    signal,
  });
}
