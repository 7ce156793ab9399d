import { isHostName, isIpv6, parseIp } from './addresses.ts';
import type { HttpEndpoint } from './gateway-config.ts';
import type { NormaliseContext } from './normalise-context.ts';
import type { Path } from './problems.ts';

const HTTP_ENDPOINT_FORM = 'http://127.0.0.1:8080/path, http://[::1]:8080 or http://:8080';

/** Which URLs an endpoint takes. */
type Scheme = 'http' | 'http or https';

const ENDPOINT = /^https?:\/\/(\[[^\]]*\]|[^:/?#[\]]*)(?::(\d{1,5}))?(\/[^\s?#]*)?$/i;

/**
 * Reads the text of an endpoint and reports what is wrong with it.
 *
 * @returns undefined when the text is empty or there was a problem.
 */
export function readHttpEndpoint(
  text: string,
  defaultPort: number,
  path: Path,
  { report }: NormaliseContext,
  scheme: Scheme = 'http',
): HttpEndpoint | undefined {
  if (text === '') return undefined;
  const endpoint = parseHttpEndpoint(text, defaultPort, scheme);
  if (typeof endpoint !== 'string') return endpoint;
  report.problem(path, endpoint);
  return undefined;
}

/** True for a URL that starts with `https:`. */
export function isHttps(text: string): boolean {
  return /^https:/i.test(text);
}

/**
 * Reads `http://address:port/path`; an empty address means every address.
 *
 * @param defaultPort - port when the text names none.
 * @returns the endpoint with path `/` when none is given, or the reason why it is refused.
 */
export function parseHttpEndpoint(
  text: string,
  defaultPort: number,
  scheme: Scheme = 'http',
): HttpEndpoint | string {
  if (scheme === 'http' && isHttps(text))
    return `must be plain HTTP, such as ${HTTP_ENDPOINT_FORM}`;
  const match = ENDPOINT.exec(text);
  if (match === null) return `must be a URL such as ${HTTP_ENDPOINT_FORM}`;
  const [, bracketed = '', portText, path = '/'] = match;
  const port = portText === undefined ? defaultPort : Number(portText);
  if (port < 1 || port > 65_535) return 'must have a port from 1 to 65535';
  const host = parseHost(bracketed);
  return host === undefined
    ? `must name an IP address or host, such as ${HTTP_ENDPOINT_FORM}`
    : { host, port, path };
}

/** Writes an endpoint as the URL that `parseHttpEndpoint` reads; without a path when none is given. */
export function formatHttpEndpoint(
  endpoint: Omit<HttpEndpoint, 'path'> & { path?: string },
  scheme: 'http' | 'https' = 'http',
): string {
  const { host, port, path = '' } = endpoint;
  return `${scheme}://${isIpv6(host) ? `[${host}]` : host}:${port}${path}`;
}

function parseHost(text: string): string | undefined {
  if (text === '') return '';
  if (text.startsWith('[')) {
    const inside = text.slice(1, -1);
    return isIpv6(inside) ? parseIp(inside) : undefined;
  }
  return parseIp(text) ?? (isHostName(text) ? text : undefined);
}
