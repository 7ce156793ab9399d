import type { Credential } from './policy.ts';

/** What the certificate of a client says of it, beside its credential. */
export interface VerifiedIdentity {
  /** Takes the place of the credential's user id; undefined: the credential's own counts. */
  readonly userId: string | undefined;
  /** Names of the clusters it is confined to; undefined: no further than by its credential. */
  readonly routes: readonly string[] | undefined;
}

/** The credential of a client as its certificate confines it: never to more than the credential alone allows. */
export function confinedCredential(
  credential: Credential,
  identity: VerifiedIdentity | undefined,
): Credential {
  if (identity === undefined) return credential;
  return {
    ...credential,
    userId: identity.userId ?? credential.userId,
    routes: commonRoutes(credential.routes, identity.routes),
  };
}

function commonRoutes(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): readonly string[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.filter((route) => b.includes(route));
}
