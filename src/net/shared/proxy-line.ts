import { IPV4, IPV6, TransportAddress } from '../../stun/transport-address.ts';
import { becomePlainIpv4 } from './mapped-address.ts';

/**
 * Reads a whole PROXY protocol header of version 1, from `PROXY ` to the line feed.
 *
 * @param source - is set to the client's address when the header names it; never IPv4-mapped.
 * @param destination - is set likewise to the address that the client connected to.
 */
export function readProxyLine(
  line: string,
  source: TransportAddress,
  destination: TransportAddress,
): 'proxied' | 'local' | 'malformed' {
  if (UNKNOWN_LINE.test(line)) return 'local';
  const [, protocol, from, to, fromPort, toPort] = ADDRESS_LINE.exec(line) ?? [];
  const family = protocol === '4' ? IPV4 : IPV6;
  const isRead =
    readAddress(family, from, fromPort, source) && readAddress(family, to, toPort, destination);
  return isRead ? 'proxied' : 'malformed';
}

const UNKNOWN_LINE = /^PROXY UNKNOWN(?: [^]*)?\r\n$/;
const ADDRESS_LINE =
  /^PROXY TCP([46]) ([\da-fA-F.:]+) ([\da-fA-F.:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})\r\n$/;
const PORT_MAX = 0xffff;

function readAddress(
  family: number,
  ip: string | undefined,
  port: string | undefined,
  into: TransportAddress,
): boolean {
  const address = TransportAddress.parse(ip ?? '', Number(port));
  if (address?.family !== family || address.port > PORT_MAX) return false;
  into.copyFrom(address);
  becomePlainIpv4(into);
  return true;
}
