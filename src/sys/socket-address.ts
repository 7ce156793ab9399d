import { IPV6, type TransportAddress } from '../stun/transport-address.ts';
import type { Arena } from './arena.ts';
import { AF_INET, AF_INET6, SOCKADDR_IN, SOCKADDR_IN6 } from './layout.ts';

/** Room for either kind of socket address, bytes, aligned. */
export const SOCKET_ADDRESS_BYTES = 32;

/** Writes a `sockaddr_in` or `sockaddr_in6` at `offset` (a multiple of 8); returns its length in bytes. */
export function writeSocketAddress(
  arena: Arena,
  offset: number,
  address: TransportAddress,
): number {
  const { view } = arena;
  if (address.family !== IPV6) {
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

/** Reads the socket address at `offset`; false when it is of another family. */
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

/** Writes the 16 bytes of an IPv6 address. */
export function writeIpv6(view: DataView, offset: number, address: TransportAddress): void {
  view.setInt32(offset, address.word0);
  view.setInt32(offset + 4, address.word1);
  view.setInt32(offset + 8, address.word2);
  view.setInt32(offset + 12, address.word3);
}

/** Reads the 16 bytes of an IPv6 address; every socket here is of one family, so none stands for IPv4. */
export function readIpv6(
  view: DataView,
  offset: number,
  port: number,
  into: TransportAddress,
): void {
  into.setIpv6(
    view.getInt32(offset),
    view.getInt32(offset + 4),
    view.getInt32(offset + 8),
    view.getInt32(offset + 12),
    port,
  );
}
