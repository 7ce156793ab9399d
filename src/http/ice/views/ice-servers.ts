import type { IceCredential } from '../ice-source.ts';
import type { IssuedServer } from '../ice-configuration.ts';

/** What `RTCIceServer` calls the two halves of a credential. */
type CredentialMembers = { readonly username: string; readonly credential: string };

/** An entry of `RTCConfiguration.iceServers` with all URIs of a gateway. */
export function iceServer({ urls, credential }: IssuedServer): object {
  return { urls, ...membersOf(credential) };
}

/** An entry for each URI, as services write them whose clients expect no lists; `place` says what the URI is called. */
export function entriesByUri(
  servers: readonly IssuedServer[],
  place: (uri: string) => object,
): object[] {
  return servers.flatMap(({ urls, credential }) =>
    urls.map((uri) => ({ ...place(uri), ...membersOf(credential) })),
  );
}

function membersOf({ username, password }: IceCredential): CredentialMembers {
  return { username, credential: password };
}
