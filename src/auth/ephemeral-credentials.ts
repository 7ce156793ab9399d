import { hmacSha1, longTermKey } from '../stun/integrity.ts';
import type { PasswordAlgorithm } from '../stun/registry.ts';
import { CREDENTIAL_CLOCK_SKEW_MAX_SECONDS } from '../limits.ts';
import type { Credential, CredentialRefusal, UnixSeconds } from '../turn/policy.ts';

/** What the username of an ephemeral credential says. */
export interface EphemeralUsername {
  readonly userId: string;
  /** Last second in which the credential is valid. */
  readonly expiresAtUnixSeconds: UnixSeconds;
}

/** Time-limited credentials derived from shared secrets (draft-uberti-behave-turn-rest-00). */
export class EphemeralCredentials {
  readonly #secrets: readonly string[];
  readonly #realm: string;
  readonly #maxTtlSeconds: number;

  /**
   * @param secrets - shared secrets, newest first; each gives one key, so that a secret can be rotated.
   * @param maxTtlSeconds - longest lifetime; what expires later, beyond a tolerance of
   *   `CREDENTIAL_CLOCK_SKEW_MAX_SECONDS` for the clock of the app server, is refused.
   */
  constructor(secrets: readonly string[], realm: string, maxTtlSeconds: number) {
    this.#secrets = secrets;
    this.#realm = realm;
    this.#maxTtlSeconds = maxTtlSeconds;
  }

  /** Derives the credential of a username, or says why the name is refused; `since` as of `CredentialPolicy`. */
  find(
    username: string,
    algorithm: PasswordAlgorithm,
    now: UnixSeconds,
    since = now,
  ): Credential | CredentialRefusal {
    const parsed = parseEphemeralUsername(username);
    if (parsed === undefined) return 'malformed';
    const { userId, expiresAtUnixSeconds } = parsed;
    if (expiresAtUnixSeconds < since) return 'expired';
    const latest = now + this.#maxTtlSeconds + CREDENTIAL_CLOCK_SKEW_MAX_SECONDS;
    if (expiresAtUnixSeconds > latest) return 'malformed';
    const keys = this.#secrets.map((secret) =>
      longTermKey(username, this.#realm, ephemeralPassword(secret, username), algorithm),
    );
    return { userId, keys, expiresAtUnixSeconds, routes: undefined };
  }
}

/**
 * Reads expiry and user id out of `ts`, `ts:user`, `user:ts` or any other list of parts around colons.
 *
 * The first part that is an integer is the timestamp. The user id is all that follows a leading timestamp, so that a
 * renewed credential belongs to the same user, also when a Matrix id such as `@alice:example.org` follows (STUNner
 * takes the whole username there); else it is the whole username.
 *
 * @returns undefined when no part is an integer, or when the first one has a sign or leading zeros, is 0 or is beyond
 *   2^53 - 1.
 */
export function parseEphemeralUsername(username: string): EphemeralUsername | undefined {
  const parts = username.split(':');
  // A signed or oversized integer must not be skipped in favour of a later, valid one: STUNner would stop at it.
  const at = parts.findIndex((part) => /^[+-]?[0-9]+$/.test(part));
  const timestamp = parts[at];
  if (timestamp === undefined || !/^[1-9][0-9]*$/.test(timestamp)) return undefined;
  const expiresAtUnixSeconds = Number(timestamp) as UnixSeconds;
  if (!Number.isSafeInteger(expiresAtUnixSeconds)) return undefined;
  const userId = at === 0 && parts.length > 1 ? username.slice(timestamp.length + 1) : username;
  return { userId, expiresAtUnixSeconds };
}

/** The password that belongs to an ephemeral username: base64 of HMAC-SHA1(secret, username), both in UTF-8. */
export function ephemeralPassword(secret: string, username: string): string {
  return Buffer.from(hmacSha1(secret, username)).toString('base64');
}
