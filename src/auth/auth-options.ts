import type { PasswordAlgorithm } from '../stun/registry.ts';

/** A user whose name and password are known beforehand. */
export interface AuthUser {
  readonly username: string;
  readonly password: string;
  /** Names of the clusters the user is confined to; undefined means all clusters of the listener. */
  readonly routes?: readonly string[] | undefined;
}

/** A user who is refused for a while, whatever credential it shows. */
export interface Revocation {
  readonly userId: string;
  /** First second in which the user is not refused any more. */
  readonly untilUnixSeconds: number;
}

/** Who may allocate, as plain data that can be sent to a worker. */
export interface AuthOptions {
  /** `none` answers Binding requests only. */
  readonly type: 'static' | 'ephemeral' | 'none';
  readonly realm: string;
  /** Static users; they are accepted next to ephemeral credentials too. Of two with one name the first counts. */
  readonly users: readonly AuthUser[];
  /** Shared secrets of ephemeral credentials, the one that signs new credentials first. */
  readonly secrets: readonly string[];
  /** Longest lifetime of an ephemeral credential, seconds. */
  readonly maxTtlSeconds: number;
  /** Users whose credentials are refused until a time, Unix seconds; undefined: none. */
  readonly revocations?: readonly Revocation[] | undefined;
  /** Password algorithms offered to clients, preferred first (RFC 8489 §14.11). */
  readonly algorithms: readonly PasswordAlgorithm[];
}
