import type { PasswordAlgorithm } from '../stun/registry.ts';
import { longTermKey, userhash } from '../stun/integrity.ts';
import type { Credential, UnixSeconds } from '../turn/policy.ts';
import type { AuthUser } from './auth-options.ts';

type CredentialByAlgorithm = Readonly<Record<PasswordAlgorithm, Credential>>;

/** Users known beforehand, with their long-term keys derived once (RFC 8489 §9.2.2). */
export class StaticUsers {
  readonly #byUsername = new Map<string, CredentialByAlgorithm>();
  readonly #byUserhash = new Map<string, CredentialByAlgorithm>();

  /** Derives the keys of every user; of two users with one name the first counts. */
  constructor(users: readonly AuthUser[], realm: string) {
    for (const user of users) {
      const username = user.username.normalize('NFC');
      if (this.#byUsername.has(username)) continue;
      const credentials: CredentialByAlgorithm = {
        MD5: staticCredential(user, realm, 'MD5'),
        'SHA-256': staticCredential(user, realm, 'SHA-256'),
      };
      this.#byUsername.set(username, credentials);
      this.#byUserhash.set(userhash(username, realm), credentials);
    }
  }

  /** Finds a user by exact name, letter case included; composed and decomposed characters are the same. */
  find(username: string, algorithm: PasswordAlgorithm): Credential | undefined {
    return this.#byUsername.get(username.normalize('NFC'))?.[algorithm];
  }

  /** Finds a user by USERHASH, given as lower-case hex (RFC 8489 §14.4). */
  findByUserhash(hash: string, algorithm: PasswordAlgorithm): Credential | undefined {
    return this.#byUserhash.get(hash)?.[algorithm];
  }
}

function staticCredential(user: AuthUser, realm: string, algorithm: PasswordAlgorithm): Credential {
  return {
    userId: user.username,
    keys: [longTermKey(user.username, realm, user.password, algorithm)],
    expiresAtUnixSeconds: Infinity as UnixSeconds,
    routes: user.routes,
  };
}
