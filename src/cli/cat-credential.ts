import { ephemeralPassword } from '../auth/ephemeral-credentials.ts';
import type { ClientCredential } from '../client/challenge.ts';
import type { TurnLogin } from '../client/turn-uri.ts';

/** How long a credential that is made from a shared secret is valid. */
const TTL_SECONDS = 3600;

/**
 * The credential that the login of a URI stands for: a shared secret makes an ephemeral one.
 *
 * @param user - user id of an ephemeral credential, possibly empty.
 */
export function credentialOf(
  login: TurnLogin | undefined,
  user: string,
): ClientCredential | undefined {
  if (login?.kind !== 'secret') return login;
  const expiresAt = Math.floor(Date.now() / 1000) + TTL_SECONDS;
  const username = `${expiresAt}:${user}`;
  return { username, password: ephemeralPassword(login.secret, username) };
}
