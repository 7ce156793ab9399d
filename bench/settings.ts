import { TransportAddress } from '../src/stun/transport-address.ts';
import type { Network } from './report-data.ts';

/** IP addresses of everybody who takes part, as text. */
export interface Addresses {
  /** Where the server under measurement listens and relays. */
  readonly server: string;
  /** Where the peer sends and receives. */
  readonly peer: string;
  /** Where clients send from. */
  readonly client: string;
}

/** Addresses of their own keep others out of the way; those of the veth pair are set aside for benches (RFC 2544). */
export const ADDRESSES: Readonly<Record<Network, Addresses>> = {
  loopback: { server: '127.0.77.1', peer: '127.0.77.2', client: '127.0.77.3' },
  veth: { server: '198.18.77.1', peer: '198.18.77.2', client: '198.18.77.3' },
};

/** Listener ports of every server. */
export const SERVER_PORTS = { udp: 14_478, tcp: 14_478, tls: 14_479 } as const;
/** Relay ports of every server. */
export const RELAY_PORTS = { min: 20_000, max: 49_999 } as const;

/** Long-term credential of all clients. */
export const CREDENTIAL = {
  realm: 'bench.example.org',
  username: 'bench',
  password: 'bench-password',
} as const;

/** Clients that allocate at the same time. */
export const CONCURRENT_ALLOCATES = 64;
/**
 * The only cipher suite that clients offer, so that all servers use the same; one of TLS 1.2, which is the latest that
 * coturn 4.6.1 speaks.
 */
export const TLS_CIPHER = 'ECDHE-ECDSA-AES128-GCM-SHA256';
/** Bytes of application data in one packet. */
export const PAYLOAD_BYTES = 200;

/** Processor of the server under measurement, and of generator and sink. */
export const PROCESSORS = { server: 1, generator: 0 } as const;

/** The transport address of text and port; throws when the text is no IP address. */
export function transportAddress(ip: string, port: number): TransportAddress {
  const address = TransportAddress.parse(ip, port);
  if (address === undefined) throw new TypeError(`not an IP address: ${ip}`);
  return address;
}
