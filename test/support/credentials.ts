import { createHmac } from 'node:crypto';

/** What a TURN client signs in with. */
export interface TurnCredential {
  readonly username: string;
  readonly password: string;
}

/** Makes an ephemeral credential as app servers do: `<expiry>:<user>` and base64 of its HMAC-SHA1. */
export function ephemeralCredential(
  secret: string,
  user: string,
  expiresAtUnixSeconds = Math.floor(Date.now() / 1000) + 3600,
): TurnCredential {
  const username = `${expiresAtUnixSeconds}:${user}`;
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') };
}
