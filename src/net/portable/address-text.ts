import { IPV4, TransportAddress } from '../../stun/transport-address.ts';

/**
 * Reads an address that the system wrote.
 *
 * @returns false for one with a zone (link-local IPv6), which has no place in a transport address.
 */
export function readAddress(ip: string, port: number, into: TransportAddress): boolean {
  if (!ip.includes(':')) {
    into.setIpv4(ipv4Word(ip), port);
    return true;
  }
  const address = TransportAddress.parse(ip, port);
  if (address === undefined) return false;
  into.copyFrom(address);
  return true;
}

/** Writes the IP address as text, like `address.ip()` but cheaper for IPv4. */
export function ipText(address: TransportAddress): string {
  if (address.family !== IPV4) return address.ip();
  const word = address.word0;
  return `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`;
}

const DOT = 0x2e;
const ZERO = 0x30;

/** The system writes nothing but four decimal numbers and three dots. */
function ipv4Word(ip: string): number {
  let word = 0;
  let octet = 0;
  for (let index = 0; index < ip.length; index++) {
    const character = ip.charCodeAt(index);
    if (character === DOT) {
      word = (word << 8) | octet;
      octet = 0;
    } else {
      octet = octet * 10 + character - ZERO;
    }
  }
  return (word << 8) | octet;
}
