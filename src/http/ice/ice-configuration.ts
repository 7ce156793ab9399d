import { goJson } from './go-text.ts';
import type { IceCredential, IceGateway, IceListener } from './ice-source.ts';
import { listenerUri } from './listener-uri.ts';
import type { IceParameters } from './parameters.ts';

/** Whom a credential is for, for how long, and the listeners that are wanted; a filter that is absent lets all pass. */
export type CredentialRequest = Pick<IceParameters, 'userId' | 'ttlSeconds'> &
  Partial<Pick<IceParameters, 'namespace' | 'gateway' | 'listener' | 'publicAddress'>>;

/** One gateway's URIs, at least one, with a credential for them. */
export interface IssuedServer {
  readonly urls: readonly string[];
  readonly credential: IceCredential;
}

/**
 * Issues credentials, gateway by gateway in configuration order, for those with a matching listener and credentials.
 *
 * @param publicAddress - host for all URIs that the request does not override; undefined: each listener's own.
 */
export function* issueServers(
  gateways: readonly IceGateway[],
  request: CredentialRequest,
  publicAddress: string | undefined,
): Generator<IssuedServer, void> {
  for (const gateway of gateways) {
    const urls = gateway.listeners
      .filter((listener) => isSelected(listener, request))
      .map((listener) => listenerUri(listener, request.publicAddress ?? publicAddress));
    if (urls.length === 0) continue;
    const credential = gateway.issue(request.userId, Math.max(request.ttlSeconds, 0));
    if (credential !== undefined) yield { urls, credential };
  }
}

/**
 * The body of `/ice`: STUNner's members, then `expiresAt` (unix seconds, absent when nothing expires) and `ttl`
 * (seconds) of the credential that ends first.
 */
export function iceConfigurationBody(
  servers: readonly IssuedServer[],
  iceTransportPolicy: string,
): string {
  const credentials = servers.map(({ credential }) => credential);
  const expiresAt = Math.min(
    ...credentials.map((credential) => credential.expiresAtUnixSeconds ?? Infinity),
  );
  return goJson({
    iceServers: servers.map(iceServer),
    iceTransportPolicy,
    ...(expiresAt === Infinity ? {} : { expiresAt }),
    ttl: Math.min(...credentials.map(({ ttlSeconds }) => ttlSeconds)),
  });
}

/** The body of `/`: the answer of draft-uberti-behave-turn-rest-00 §2.2. */
export function turnCredentialBody({ urls, credential }: IssuedServer): string {
  return goJson({
    password: credential.password,
    ttl: credential.ttlSeconds,
    uris: urls,
    username: credential.username,
  });
}

function iceServer({ urls, credential }: IssuedServer): object {
  return { credential: credential.password, urls, username: credential.username };
}

/** STUNner's filters: `gateway` needs `namespace`, `listener` needs both; without them it has no effect. */
function isSelected({ name }: IceListener, filter: CredentialRequest): boolean {
  if (filter.namespace === undefined) return true;
  const parts = name.split('/');
  if (parts.length !== 3 || parts[0] !== filter.namespace) return false;
  if (filter.gateway === undefined) return true;
  if (parts[1] !== filter.gateway) return false;
  return filter.listener === undefined || parts[2] === filter.listener;
}
