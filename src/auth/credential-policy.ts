import type { PasswordAlgorithm } from '../stun/registry.ts';
import type {
  Credential,
  CredentialPolicy,
  CredentialRefusal,
  UnixSeconds,
} from '../turn/policy.ts';
import type { AuthOptions } from './auth-options.ts';
import { EphemeralCredentials } from './ephemeral-credentials.ts';
import { StaticUsers } from './static-users.ts';

/** Builds the credential policy that the options describe; the options are not kept. */
export function createCredentialPolicy(options: AuthOptions): CredentialPolicy {
  return new ConfiguredCredentials(options);
}

class ConfiguredCredentials implements CredentialPolicy {
  readonly isTurnEnabled: boolean;
  readonly realm: string;
  readonly passwordAlgorithms: readonly PasswordAlgorithm[];
  readonly isUserhashSupported: boolean;
  readonly #users: StaticUsers;
  readonly #ephemeral: EphemeralCredentials | undefined;
  readonly #revokedUntil: ReadonlyMap<string, number>;

  constructor(options: AuthOptions) {
    const { type, realm, secrets, maxTtlSeconds } = options;
    this.isTurnEnabled = type !== 'none';
    this.realm = realm;
    this.passwordAlgorithms = [...options.algorithms];
    this.isUserhashSupported = type === 'static';
    this.#users = new StaticUsers(this.isTurnEnabled ? options.users : [], realm);
    this.#ephemeral =
      type === 'ephemeral'
        ? new EphemeralCredentials([...secrets], realm, maxTtlSeconds)
        : undefined;
    const revocations = options.revocations ?? [];
    this.#revokedUntil = new Map(
      revocations.map(({ userId, untilUnixSeconds }) => [userId, untilUnixSeconds]),
    );
  }

  isRevoked(userId: string, now: UnixSeconds): boolean {
    return now < (this.#revokedUntil.get(userId) ?? 0);
  }

  find(
    username: string,
    algorithm: PasswordAlgorithm,
    now: UnixSeconds,
    since = now,
  ): Credential | CredentialRefusal {
    return (
      this.#users.find(username, algorithm) ??
      this.#ephemeral?.find(username, algorithm, now, since) ??
      'unknownUser'
    );
  }

  findByUserhash(userhash: string, algorithm: PasswordAlgorithm): Credential | CredentialRefusal {
    if (!this.isUserhashSupported) return 'unknownUser';
    return this.#users.findByUserhash(userhash, algorithm) ?? 'unknownUser';
  }
}
