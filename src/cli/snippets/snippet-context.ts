import type { GatewayConfig } from '../../config/gateway-config.ts';
import { formatHostPort } from '../../config/host-ports.ts';
import { formatHttpEndpoint } from '../../config/http-endpoints.ts';
import { MASK } from '../../config/redact-values.ts';
import { GatewayError } from '../../errors.ts';
import type { IceListener } from '../../http/ice/ice-source.ts';
import { listenerUri } from '../../http/ice/listener-uri.ts';

/** A listener as applications name it. */
export interface TurnAddress {
  /** As in RFC 7065, the transport always written. */
  readonly uri: string;
  readonly scheme: 'turn' | 'turns';
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp';
}

/** How an application gets credentials: it makes them with a shared secret, or it has a fixed one. */
export type SnippetAuth =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'user'; readonly username: string; readonly password: string };

/** The ICE API of the gateway. */
export interface SnippetIce {
  /** Without a slash at the end. */
  readonly url: string;
  /** Undefined: none is needed. */
  readonly apiKey: string | undefined;
}

/** What snippets are made of. */
export interface SnippetContext {
  readonly addresses: readonly TurnAddress[];
  /** One per host and port that answers STUN over UDP. */
  readonly stunUris: readonly string[];
  readonly realm: string;
  readonly auth: SnippetAuth;
  readonly ice: SnippetIce | undefined;
  /** Longest lifetime that the gateway accepts of a credential, at most a day. */
  readonly ttlSeconds: number;
  readonly config: GatewayConfig;
  /** The configuration file itself, undefined while secrets are masked. */
  readonly configText: string | undefined;
}

const HOST_PLACEHOLDER = 'turn.example.org';
const TTL_SECONDS_MAX = 86_400;

/**
 * Gathers what snippets are made of.
 *
 * @param configText - text of the configuration file.
 * @param listeners - the listeners as the ICE API sees them.
 * @throws GatewayError GW_ERR_UNSUPPORTED when the configuration has no listener or no credentials.
 */
export function snippetContext(
  config: GatewayConfig,
  configText: string,
  listeners: readonly IceListener[],
  showsSecrets: boolean,
): SnippetContext {
  // Browsers do not speak TURN over DTLS, and neither do servers that hand URIs to them.
  const addresses = listeners.filter(({ protocol }) => protocol !== 'dtls').map(addressOf);
  if (addresses.length === 0) {
    const detail = 'the configuration has no listener for UDP, TCP or TLS that clients could use';
    throw new GatewayError('GW_ERR_UNSUPPORTED', detail);
  }
  const shown = (secret: string): string => (showsSecrets ? secret : MASK);
  const { ice } = config;
  return {
    addresses,
    stunUris: stunUris(addresses),
    realm: config.auth.realm,
    auth: authOf(config, shown),
    ice: ice && {
      url: formatHttpEndpoint(
        { host: ice.endpoint.host || HOST_PLACEHOLDER, port: ice.endpoint.port },
        ice.tls === undefined ? 'http' : 'https',
      ),
      apiKey: ice.apiKeys[0] === undefined ? undefined : shown(ice.apiKeys[0]),
    },
    ttlSeconds: Math.min(config.auth.maxTtlSeconds, TTL_SECONDS_MAX),
    config,
    configText: showsSecrets ? configText : undefined,
  };
}

/** What an operator should look at before using a snippet. */
export function contextRemarks({ config, addresses }: SnippetContext): string[] {
  const isLocal = addresses.some(({ host }) => /^(?:127\.|::1$|localhost$)/.test(host));
  const names = config.listeners
    .filter(
      ({ publicAddress, address, bind }) => !(publicAddress ?? address ?? withoutWildcard(bind)),
    )
    .map(({ name }) => name);
  return [
    ...(names.length > 0
      ? [`${HOST_PLACEHOLDER} is a placeholder: set public_address of ${names.join(', ')}`]
      : []),
    ...(isLocal
      ? ['a listener is advertised on loopback, where only this machine reaches it']
      : []),
  ];
}

function addressOf(listener: IceListener): TurnAddress {
  const known = listener.publicAddress || withoutWildcard(listener.address);
  const host = known || HOST_PLACEHOLDER;
  const isSecure = listener.protocol === 'tls';
  return {
    uri: listenerUri(listener, host),
    scheme: isSecure ? 'turns' : 'turn',
    host,
    port: listener.port,
    transport: listener.protocol === 'udp' ? 'udp' : 'tcp',
  };
}

function withoutWildcard(address: string | undefined): string | undefined {
  return address === '0.0.0.0' || address === '::' ? undefined : address;
}

function stunUris(addresses: readonly TurnAddress[]): string[] {
  const plain = addresses.filter(({ transport }) => transport === 'udp');
  return [...new Set(plain.map((address) => `stun:${formatHostPort(address)}`))];
}

function authOf({ auth }: GatewayConfig, shown: (secret: string) => string): SnippetAuth {
  const [secret] = auth.secrets;
  if (secret !== undefined) return { kind: 'secret', secret: shown(secret) };
  const [user] = auth.users;
  if (user === undefined) {
    const detail = 'the configuration has no credentials (auth.type none), so there is no relay';
    throw new GatewayError('GW_ERR_UNSUPPORTED', detail);
  }
  return { kind: 'user', username: user.username, password: shown(user.password) };
}
