import { IPV6, type TransportAddress } from '../stun/transport-address.ts';
import type { Arena } from './arena.ts';
import { AF_INET, AF_INET6, SOCKADDR_IN, SOCKADDR_IN6 } from './layout.ts';

/** Room for either kind of socket address, bytes, aligned. */
export const SOCKET_ADDRESS_BYTES = 32;
const V4_MAPPED_PREFIX = 0xffff;

/**
 * Writes a `sockaddr_in` or `sockaddr_in6` at `offset` (a multiple of 8).
 *
 * @param v4Mapped - IPv4 is written as `::ffff:a.b.c.d`, which a dual-stack socket wants.
 * @returns its length in bytes.
 */
export function writeSocketAddress(
  arena: Arena,
  offset: number,
  address: TransportAddress,
  v4Mapped: boolean,
): number {
  const { view } = arena;
  if (address.family !== IPV6 && !v4Mapped) {
    view.setUint16(offset + SOCKADDR_IN.sin_family, AF_INET, true);
    view.setUint16(offset + SOCKADDR_IN.sin_port, address.port);
    view.setInt32(offset + SOCKADDR_IN.sin_addr, address.word0);
    return SOCKADDR_IN.size;
  }
  view.setUint16(offset + SOCKADDR_IN6.sin6_family, AF_INET6, true);
  view.setUint16(offset + SOCKADDR_IN6.sin6_port, address.port);
  view.setInt32(offset + SOCKADDR_IN6.sin6_flowinfo, 0);
  writeIpv6(view, offset + SOCKADDR_IN6.sin6_addr, address);
  view.setInt32(offset + SOCKADDR_IN6.sin6_scope_id, 0);
  return SOCKADDR_IN6.size;
}

/** Reads the socket address at `offset`, an IPv4-mapped one as plain IPv4; false when it is of another family. */
export function readSocketAddress(arena: Arena, offset: number, into: TransportAddress): boolean {
  const { view } = arena;
  const family = view.getUint16(offset, true);
  if (family === AF_INET) {
    into.setIpv4(
      view.getInt32(offset + SOCKADDR_IN.sin_addr),
      view.getUint16(offset + SOCKADDR_IN.sin_port),
    );
    return true;
  }
  if (family !== AF_INET6) return false;
  readIpv6(
    view,
    offset + SOCKADDR_IN6.sin6_addr,
    view.getUint16(offset + SOCKADDR_IN6.sin6_port),
    into,
  );
  return true;
}

/** Writes the 16 bytes of an IPv6 address, or of an IPv4 address in its IPv4-mapped form. */
export function writeIpv6(view: DataView, offset: number, address: TransportAddress): void {
  const isIpv6 = address.family === IPV6;
  view.setInt32(offset, isIpv6 ? address.word0 : 0);
  view.setInt32(offset + 4, isIpv6 ? address.word1 : 0);
  view.setInt32(offset + 8, isIpv6 ? address.word2 : V4_MAPPED_PREFIX);
  view.setInt32(offset + 12, isIpv6 ? address.word3 : address.word0);
}

/** Reads the 16 bytes of an IPv6 address; an IPv4-mapped one becomes plain IPv4. */
export function readIpv6(
  view: DataView,
  offset: number,
  port: number,
  into: TransportAddress,
): void {
  const word0 = view.getInt32(offset);
  const word1 = view.getInt32(offset + 4);
  const word2 = view.getInt32(offset + 8);
  const word3 = view.getInt32(offset + 12);
  if (word0 === 0 && word1 === 0 && word2 === V4_MAPPED_PREFIX) into.setIpv4(word3, port);
  else into.setIpv6(word0, word1, word2, word3, port);
}
