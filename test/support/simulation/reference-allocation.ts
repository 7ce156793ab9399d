/** An address family in words. */
export type Family = 'IPv4' | 'IPv6';

/** What the reference server remembers of an allocation; times are milliseconds. */
export interface ReferenceAllocation {
  readonly key: string;
  readonly userId: string;
  readonly routes: readonly string[] | undefined;
  readonly transactionId: string;
  readonly grantedSeconds: number;
  readonly createdAtUnixSeconds: number;
  /** Relay ports. */
  readonly relays: Map<Family, number>;
  /** When each permission ends, by IP address. */
  readonly permissions: Map<string, number>;
  readonly channels: Map<number, ReferenceChannel>;
  readonly token: string | undefined;
  readonly lacksFamily: boolean;
  lifetimeEndsAt: number;
  credentialExpiresAtUnixSeconds: number;
  /** When its end was decided last: it ends no earlier than with the next second. */
  decidedAt: number;
}

/** A channel of the reference server. */
export interface ReferenceChannel {
  readonly ip: string;
  readonly port: number;
  endsAt: number;
}

/** The family of an IP address as text. */
export function familyOf(ip: string): Family {
  return ip.includes(':') ? 'IPv6' : 'IPv4';
}

/** The second with which something ends whose time is up at `ms`. */
export function secondOf(ms: number): number {
  return Math.ceil(ms / 1000) * 1000;
}
