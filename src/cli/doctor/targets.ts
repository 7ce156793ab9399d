import type { ClientCredential } from '../../client/challenge.ts';
import { parseTurnUri, type TurnTarget } from '../../client/turn-uri.ts';
import type { GatewayConfig, ListenerConfig } from '../../config/gateway-config.ts';
import type { RouteExplanation } from '../../route/route-explanation.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import type { Inspection } from '../inspect-commands.ts';
import { credentialOf } from '../turn-target.ts';
import type { IceEntry } from './ice.ts';

/** One way to a gateway that is to be tested. */
export interface DoctorTarget {
  /** Name of the listener where a configuration says it. */
  readonly listener: string | undefined;
  readonly uri: TurnTarget;
  readonly credential: ClientCredential | undefined;
  /** What the routes say about a peer; undefined when there is no configuration. */
  readonly explain: ((peer: TransportAddress) => RouteExplanation) | undefined;
  /** A backend that the routes name exactly. */
  readonly backend: TransportAddress | undefined;
}

/** The target that a URI names; throws GatewayError GW_ERR_USAGE. */
export function targetOfUri(text: string, user: string): DoctorTarget {
  const uri = parseTurnUri(text);
  return { ...NO_CONFIGURATION, uri, credential: credentialOf(uri.login, user) };
}

/** The target that an entry of an ICE configuration names; throws GatewayError GW_ERR_USAGE for a bad URI. */
export function targetOfIceEntry({ uri, credential }: IceEntry): DoctorTarget {
  return { ...NO_CONFIGURATION, uri: parseTurnUri(uri), credential };
}

/** Every listener of a configuration where clients are told to find it, with a credential made from it. */
export async function targetsOfConfig(
  config: GatewayConfig,
  user: string,
  { iceGateway, routeTable }: Inspection,
): Promise<readonly DoctorTarget[]> {
  const gateway = iceGateway(config);
  const routes = await routeTable(config);
  const credential = gateway.issue(user, CREDENTIAL_SECONDS);
  return gateway.listeners.map(({ name, protocol, publicAddress, address, port }, index) => ({
    listener: name,
    uri: {
      transport: protocol,
      host: publicAddress || address || UNSPECIFIED,
      port,
      isStunOnly: credential === undefined,
      login: undefined,
    },
    credential,
    explain: (peer) => routes.explain(name, undefined, peer, peer.port),
    backend: backendOf(config, config.listeners[index]!),
  }));
}

/** The first endpoint of the listener's routes that is one address with one port. */
function backendOf(
  { clusters }: GatewayConfig,
  { routes }: ListenerConfig,
): TransportAddress | undefined {
  for (const { endpoints } of clusters.filter(
    ({ name, protocol }) => protocol === 'udp' && routes.includes(name),
  )) {
    for (const { host, prefixLength, minPort, maxPort } of endpoints) {
      const address = TransportAddress.parse(host, minPort);
      const bits = host.includes(':') ? 128 : 32;
      if (address !== undefined && prefixLength === bits && minPort === maxPort) return address;
    }
  }
  return undefined;
}

const NO_CONFIGURATION = { listener: undefined, explain: undefined, backend: undefined };
/** Host of a listener that nobody gave an address for clients. */
export const UNSPECIFIED = '0.0.0.0';
const CREDENTIAL_SECONDS = 600;
