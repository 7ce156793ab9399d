import type { PasswordAlgorithm } from '../stun/registry.ts';
import type { AddressFamily, TransportAddress } from '../stun/transport-address.ts';

declare const clock: unique symbol;
/** Monotonic milliseconds: allocation, permission, channel and nonce lifetimes. */
export type MonotonicMs = number & { readonly [clock]: 'monotonic' };
/** Wall-clock seconds since 1970: credential expiry alone. */
export type UnixSeconds = number & { readonly [clock]: 'unix' };

/** The two clocks, read once per turn of the driver's loop. */
export interface Now {
  monotonicMs: MonotonicMs;
  unixSeconds: UnixSeconds;
}

/** What the server knows about a user whose name it accepts. */
export interface Credential {
  /** Who owns allocations and quota: the username without its timestamp. */
  readonly userId: string;
  /** Long-term keys that may sign the request, newest first; more than one during secret rotation. */
  readonly keys: readonly Uint8Array[];
  /** Wall-clock second in which the credential is valid for the last time; Infinity for static users. */
  readonly expiresAtUnixSeconds: UnixSeconds;
  /** Names of the clusters this user is confined to; undefined means all clusters of the listener. */
  readonly routes: readonly string[] | undefined;
}

/** Why a username is not accepted; reported in logs and metrics, never to the client. */
export const CREDENTIAL_REFUSALS = ['unknownUser', 'expired', 'malformed', 'revoked'] as const;

/** One of `CREDENTIAL_REFUSALS`. */
export type CredentialRefusal = (typeof CREDENTIAL_REFUSALS)[number];

/** Turns a username into keys; implemented by `src/auth` (RFC 8489 §9.2). */
export interface CredentialPolicy {
  /** False when no credential mechanism is configured: the server then answers Binding requests only. */
  readonly isTurnEnabled: boolean;
  readonly realm: string;
  /** Algorithms offered in PASSWORD-ALGORITHMS, preferred first (RFC 8489 §14.11). */
  readonly passwordAlgorithms: readonly PasswordAlgorithm[];
  /** True when every username is known beforehand, so that USERHASH can be resolved (RFC 8489 §14.4). */
  readonly isUserhashSupported: boolean;
  /**
   * Looks up a UTF-8 username for the given key derivation.
   *
   * @param since - an earlier time: what was valid then, or later, is so still; `now` unless given.
   */
  find(
    username: string,
    algorithm: PasswordAlgorithm,
    now: UnixSeconds,
    since?: UnixSeconds,
  ): Credential | CredentialRefusal;
  /** True when nothing that the user shows is accepted for now. */
  isRevoked(userId: string, now: UnixSeconds): boolean;
  /** Looks up a 32-byte USERHASH, given as lower-case hex. */
  findByUserhash(
    userhash: string,
    algorithm: PasswordAlgorithm,
    now: UnixSeconds,
  ): Credential | CredentialRefusal;
}

/** Whether a peer may be reached; `admitted` is the only verdict that relays. */
export type PeerVerdict = 'admitted' | PeerDenial;

/** Why a peer may not be reached. */
export const PEER_DENIALS = [
  /** No cluster on this listener (and for this user) contains the address. */
  'noRoute',
  /** A cluster contains the address, but not with this port. */
  'portNotRouted',
  /** On the hard deny list (loopback, link-local, metadata, …) without an exact exception. */
  'forbiddenPeer',
  /** One of the gateway's own listener or relayed transport addresses. */
  'ownAddress',
] as const;

/** One of `PEER_DENIALS`. */
export type PeerDenial = (typeof PEER_DENIALS)[number];

/** Decides which peers may be reached; implemented by `src/route`. */
export interface PeerPolicy {
  /**
   * Judges a peer address for one listener and user.
   *
   * @param listener - listener name.
   * @param userRoutes - clusters the user is confined to, or undefined.
   * @param peer - peer address; borrowed.
   * @param port - peer port, or undefined to ask whether any port of the address is routed (CreatePermission).
   */
  admit(
    listener: string,
    userRoutes: readonly string[] | undefined,
    peer: TransportAddress,
    port: number | undefined,
  ): PeerVerdict;
  /**
   * Name of the cluster by which a peer is admitted, the one with the narrowest range where there are several;
   * undefined when it is not. Parameters as of `admit`.
   */
  clusterOf(
    listener: string,
    userRoutes: readonly string[] | undefined,
    peer: TransportAddress,
    port: number | undefined,
  ): string | undefined;
}

/** Why there is no place for an allocation; the first two are answered 486, the last 508. */
export const QUOTA_REFUSALS = [
  'userQuotaReached',
  'addressQuotaReached',
  'insufficientCapacity',
] as const;

/** One of `QUOTA_REFUSALS`. */
export type QuotaRefusal = (typeof QUOTA_REFUSALS)[number];

/** Counts allocations over all workers together (RFC 8656 §7.2 steps 10 and 486/508). */
export interface QuotaPolicy {
  /**
   * Takes one place for a user and client.
   *
   * @param isBeyondUserQuota - takes it also from a user who has no place left: as many more as the quota has.
   * @returns why not, or undefined when taken.
   */
  acquire(
    userId: string,
    client: TransportAddress,
    isBeyondUserQuota?: boolean,
  ): QuotaRefusal | undefined;
  /** Gives the place back. */
  release(userId: string, client: TransportAddress): void;
}

/** What one user may send and receive over all of its allocations. */
export interface UserMeter {
  /** Counts one packet from (`isUp`) or to the user; false when it must be dropped. */
  admit(isUp: boolean, bytes: number, now: Now): boolean;
}

/** Bounds what users and strangers get out of all workers together. */
export interface RatePolicy {
  /** The meter of a user, the same in every worker. */
  meterOf(userId: string): UserMeter;
  /** True when somebody at `client` (borrowed) who has proven nothing may have an answer. */
  admitsAnswer(client: TransportAddress, now: MonotonicMs): boolean;
}

/** A bound socket held back for a later Allocate (RFC 8656 §7.2, RESERVATION-TOKEN). */
export interface Reservation {
  /** The 8-byte token as 16 hex digits. */
  readonly token: string;
  readonly family: AddressFamily;
  readonly port: number;
  /** The driver's name for the bound socket, for example a file descriptor. */
  readonly handle: number;
}

/** Keeps reservations where every worker finds them, since the token may arrive on any 5-tuple. */
export interface ReservationStore {
  /** Keeps a reservation; false when the store is full. */
  put(reservation: Reservation): boolean;
  /** Removes and returns the reservation of a token, exactly once. */
  take(token: string): Reservation | undefined;
}

/** Randomness as an input, so that the core is deterministic in tests. */
export interface RandomSource {
  /** Fills the array with unpredictable bytes. */
  fill(bytes: Uint8Array): void;
  /** A uniformly distributed integer in [0, bound); bound <= 2^31. */
  below(bound: number): number;
}
