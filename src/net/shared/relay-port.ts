import type { TransportAddress } from '../../stun/transport-address.ts';

/** The same IP address with the next higher port, which EVEN-PORT may reserve (RFC 8656 §18.7). */
export function withNextPort(address: TransportAddress): TransportAddress {
  const next = address.clone();
  next.port++;
  return next;
}

/** Tells by the symbolic code of a failed bind whether another port may work. */
export function isPortTaken(code: string | undefined): boolean {
  return code === 'EADDRINUSE' || code === 'EACCES';
}
