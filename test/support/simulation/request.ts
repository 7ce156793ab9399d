import type { Client } from '../../../src/turn/allocation.ts';

/** What a client asks for, in words rather than bytes. */
export type Wish =
  | {
      readonly kind: 'allocate';
      /** Which relayed addresses: of one family, of both, or what the server gives to those who do not say. */
      readonly family: 'IPv4' | 'IPv6' | 'both' | 'unsaid';
      readonly port: 'any' | 'even' | 'pair';
      readonly token: string | undefined;
      readonly lifetime: number | undefined;
    }
  | {
      readonly kind: 'refresh';
      readonly lifetime: number | undefined;
      readonly family: 'IPv4' | 'IPv6' | undefined;
    }
  | { readonly kind: 'permit'; readonly ips: readonly string[] }
  | { readonly kind: 'bind'; readonly number: number; readonly ip: string; readonly port: number };

/** Who a client says it is. */
export interface Identity {
  readonly username: string;
  readonly userId: string;
  /** Infinity for a static user. */
  readonly expiresAtUnixSeconds: number;
  /** What made the password; undefined for a static user. */
  readonly secret: string | undefined;
  readonly routes: readonly string[] | undefined;
}

/** A request as it was sent. */
export interface SentRequest {
  readonly wish: Wish;
  readonly method: number;
  /** As hex. */
  readonly transactionId: string;
  /** Undefined when it is not signed. */
  readonly signature:
    { readonly identity: Identity; readonly nonce: string; readonly key: Uint8Array } | undefined;
}

/** One message of a client: a request, data on a channel, or data in a Send indication. */
export type Meaning =
  | { readonly kind: 'request'; readonly request: SentRequest }
  | { readonly kind: 'data'; readonly number: number }
  | { readonly kind: 'send'; readonly ip: string; readonly port: number };

/** One end of a 5-tuple as the reference server knows it. */
export interface Origin {
  /** Transport and address; names the allocation. */
  readonly key: string;
  /** Address alone; a nonce belongs to it. */
  readonly address: string;
}

/** What names the allocation of a client: transport, address and, of a stream, the connection. */
export function keyOf({ isStream, handle, address }: Client): string {
  return isStream ? `tcp ${handle} ${address.toString()}` : `udp ${address.toString()}`;
}
