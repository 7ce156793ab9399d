import type { Client } from '../../turn/allocation.ts';

/** Why a connection or association was turned away before the core heard of it. */
export const CONNECTION_REFUSALS = [
  /** There are too many connections, in all or of this client. */
  'tooManyConnections',
  /** Too many handshakes begin, in all or by this client, or too many are under way. */
  'tooManyHandshakes',
  /** It should have begun with a PROXY header of a trusted load balancer. */
  'proxyHeaderMissing',
  'proxyHeaderMalformed',
  'proxyUntrusted',
] as const;

/** One of `CONNECTION_REFUSALS`. */
export type ConnectionRefusal = (typeof CONNECTION_REFUSALS)[number];

/** What happens to connections outside the core, for logs and counters; the client is borrowed. */
export type TransportEvent = {
  readonly client: Pick<Client, 'endpoint' | 'address'>;
} & (
  | {
      /** A TLS or DTLS handshake, or what came after it. */
      readonly kind: 'handshakeFailed' | 'channelFailed';
      /** In words of OpenSSL. */
      readonly reason: string;
    }
  | { readonly kind: 'connectionRefused'; readonly reason: ConnectionRefusal }
  /** A stream connection or a DTLS association; of each there is one of both. */
  | { readonly kind: 'connectionOpened' }
  | { readonly kind: 'connectionClosed' }
);
