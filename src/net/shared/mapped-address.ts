import { IPV6, type TransportAddress } from '../../stun/transport-address.ts';

/** True for an IPv4-mapped IPv6 address, `::ffff:192.0.2.1` (RFC 4291 §2.5.5.2). */
export function isMappedIpv4({ family, word0, word1, word2 }: TransportAddress): boolean {
  return family === IPV6 && word0 === 0 && word1 === 0 && word2 === 0xffff;
}

/** Turns an IPv4-mapped IPv6 address into the IPv4 address that it stands for; others stay as they are. */
export function becomePlainIpv4(address: TransportAddress): void {
  if (isMappedIpv4(address)) address.setIpv4(address.word3, address.port);
}
