import type { UnixSeconds } from '../turn/policy.ts';
import type { AuthOptions } from './auth-options.ts';
import { ephemeralPassword } from './ephemeral-credentials.ts';

/** A username and password to hand to a client. */
export interface IssuedCredential {
  readonly username: string;
  readonly password: string;
  /** The lifetime granted, which is at most `maxTtlSeconds`. */
  readonly ttlSeconds: number;
  /** Last second in which the credential is valid; undefined for a static user. */
  readonly expiresAtUnixSeconds: UnixSeconds | undefined;
}

/**
 * Makes the credential that an app server hands to a client.
 *
 * Type `static` gives the first static user whatever the user id; type `ephemeral` signs with the first secret.
 *
 * @param userId - becomes the part after the colon; may be empty.
 * @param ttlSeconds - integer; 0 or less gives a credential that is about to expire or has expired.
 * @returns undefined when there is no credential to give: type `none`, or no user or secret.
 */
export function issueCredential(
  options: AuthOptions,
  userId: string,
  ttlSeconds: number,
  nowUnixSeconds: UnixSeconds,
): IssuedCredential | undefined {
  const granted = Math.min(ttlSeconds, options.maxTtlSeconds);
  if (options.type === 'none') return undefined;
  return options.type === 'static'
    ? issueStatic(options, granted)
    : issueEphemeral(options, userId, granted, nowUnixSeconds);
}

function issueStatic(options: AuthOptions, ttlSeconds: number): IssuedCredential | undefined {
  const user = options.users[0];
  if (user === undefined) return undefined;
  const { username, password } = user;
  return { username, password, ttlSeconds, expiresAtUnixSeconds: undefined };
}

function issueEphemeral(
  options: AuthOptions,
  userId: string,
  ttlSeconds: number,
  nowUnixSeconds: UnixSeconds,
): IssuedCredential | undefined {
  const secret = options.secrets[0];
  if (secret === undefined) return undefined;
  const expiresAtUnixSeconds = (nowUnixSeconds + ttlSeconds) as UnixSeconds;
  const username = `${expiresAtUnixSeconds}:${userId}`;
  const password = ephemeralPassword(secret, username);
  return { username, password, ttlSeconds, expiresAtUnixSeconds };
}
