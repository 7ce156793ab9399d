import type { TransportAddress } from '../../stun/transport-address.ts';

/** Why a connection or association was turned away before the core heard of it. */
export type ConnectionRefusal =
  /** There are too many connections, in all or of this client. */
  | 'tooManyConnections'
  /** Too many handshakes begin, in all or by this client, or too many are under way. */
  | 'tooManyHandshakes'
  /** It should have begun with a PROXY header of a trusted load balancer. */
  | 'proxyHeaderMissing'
  | 'proxyHeaderMalformed'
  | 'proxyUntrusted';

/** What happens to connections outside the core, for logs and counters. */
export type TransportEvent =
  | {
      readonly kind: 'handshakeFailed';
      readonly listener: string;
      readonly transport: 'tls' | 'dtls';
      /** Borrowed. */
      readonly client: TransportAddress;
      /** In words of OpenSSL. */
      readonly reason: string;
    }
  | {
      readonly kind: 'connectionRefused';
      readonly listener: string;
      readonly transport: 'tcp' | 'tls' | 'dtls';
      /** Borrowed. */
      readonly client: TransportAddress;
      readonly reason: ConnectionRefusal;
    };
