import { isHostName, normaliseHostName, parseBlock } from './addresses.ts';
import type { EndpointConfig } from './gateway-config.ts';

/** What an endpoint of a STATIC cluster may look like, for messages. */
export const STATIC_ENDPOINT_FORM =
  '10.0.0.1, 10.0.0.0/24, 10.0.0.1:5004, 10.0.0.0/24:<10000-20000>, fd00::1 or [fd00::]/64:5000-5100';
/** What an endpoint of a STRICT_DNS cluster may look like, for messages. */
export const DNS_ENDPOINT_FORM = 'media.internal, media.internal:5004 or media.internal:5000-5100';

const ANGLE_PORTS = /^(.*):<(\d{1,5})(?:-(\d{1,5}))?>$/s;
const PLAIN_PORTS = /^(.*):(\d{1,5})(?:-(\d{1,5}))?$/s;

/**
 * Reads one endpoint: address, block or host name, with an optional port or port range.
 *
 * @param text - `HOST`, `HOST:PORT`, `HOST:A-B` or `HOST:<A-B>`, IPv6 in brackets before ports.
 * @param type - host names need STRICT_DNS.
 * @returns the endpoint with all ports 1-65535 when none are given, or the reason why it is refused.
 */
export function parseEndpoint(
  text: string,
  type: 'STATIC' | 'STRICT_DNS',
): EndpointConfig | string {
  const form = `such as ${type === 'STATIC' ? STATIC_ENDPOINT_FORM : DNS_ENDPOINT_FORM}`;
  const parts = splitPorts(text);
  if (parts === undefined) {
    return `put an IPv6 address in brackets before ports, ${form}`;
  }
  const { host, minPort, maxPort } = parts;
  if (minPort < 1 || maxPort > 65_535 || minPort > maxPort) {
    return 'must have a port range from low to high within 1-65535';
  }
  const block = parseBlock(withoutBrackets(host));
  if (block !== undefined) {
    return { host: block.address, prefixLength: block.prefixLength, minPort, maxPort };
  }
  if (!isHostName(host)) return `is not an endpoint; accepted are forms ${form}`;
  if (type === 'STATIC') {
    return 'is a host name, which needs a cluster of type STRICT_DNS; a STATIC cluster takes addresses';
  }
  return { host: normaliseHostName(host), prefixLength: undefined, minPort, maxPort };
}

interface EndpointParts {
  host: string;
  minPort: number;
  maxPort: number;
}

/** Undefined when `fd00::1:5000-5100` leaves open where the address ends. */
function splitPorts(text: string): EndpointParts | undefined {
  const everyPort = { host: text, minPort: 1, maxPort: 65_535 };
  if (parseBlock(text) !== undefined) return everyPort;
  const angle = ANGLE_PORTS.exec(text);
  const match = angle ?? PLAIN_PORTS.exec(text);
  if (match === null) return everyPort;
  const [, host = '', low = '', high = low] = match;
  const isAmbiguous = angle === null && /^[^[/]*:[^/]*$/.test(host);
  return isAmbiguous ? undefined : { host, minPort: Number(low), maxPort: Number(high) };
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[([^[\]]*:[^[\]]*)\](\/\d+)?$/, '$1$2');
}
