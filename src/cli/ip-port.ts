import { TransportAddress } from '../stun/transport-address.ts';

/**
 * Reads `10.0.0.7:5004` or `[fd00::7]:5004`; the port is from `portMin` to 65535.
 *
 * @returns undefined when the text is neither.
 */
export function parseIpPort(text: string, portMin = 1): TransportAddress | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = TransportAddress.parse(bracketed ?? plain ?? '', Number(port));
  const isUsable = address !== undefined && address.port >= portMin && address.port <= 65_535;
  return isUsable ? address : undefined;
}
