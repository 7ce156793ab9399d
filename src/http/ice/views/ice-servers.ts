import type { IceCredential } from '../ice-source.ts';
import type { IssuedServer } from '../ice-configuration.ts';

/** An entry of `RTCConfiguration.iceServers` with all URIs of a gateway. */
export function iceServer({ urls, credential }: IssuedServer): object {
  return { urls, username: credential.username, credential: credential.password };
}

/** One entry for each URI, as services write them whose clients expect no lists. */
export function entriesByUri(
  servers: readonly IssuedServer[],
  entry: (uri: string, credential: IceCredential) => object,
): object[] {
  return servers.flatMap(({ urls, credential }) => urls.map((uri) => entry(uri, credential)));
}
