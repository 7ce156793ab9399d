import type { TransportAddress } from '../stun/transport-address.ts';
import type { PeerVerdict } from '../turn/policy.ts';
import type { Endpoint } from './endpoint.ts';
import type { ForbiddenCategory } from './forbidden-peers.ts';

/** The endpoint that comes nearest to a refused peer. */
export interface NearestRoute {
  readonly cluster: string;
  /** As configurations write it. */
  readonly endpoint: string;
  /** What keeps it from admitting the peer, to be read by an operator. */
  readonly why: string;
}

/** What is decided about a peer, and what an operator should look at. */
export interface RouteExplanation {
  readonly verdict: PeerVerdict;
  /** Category on the hard deny list, also when an exception admits the peer. */
  readonly forbidden: ForbiddenCategory | undefined;
  /** The cluster that admits the peer. */
  readonly cluster?: string | undefined;
  /** The endpoint that admits the peer, as configurations write it. */
  readonly endpoint?: string | undefined;
  /** For a refused peer; undefined when the listener has no endpoints. */
  readonly nearest?: NearestRoute | undefined;
}

/** A peer as somebody asks about it. */
export interface RouteQuestion {
  readonly userRoutes: readonly string[] | undefined;
  readonly peer: TransportAddress;
  readonly port: number | undefined;
  readonly forbidden: ForbiddenCategory | undefined;
}

/** Finds the first endpoint that admits the peer, our own addresses left aside. */
export function admittingEndpoint(
  endpoints: readonly Endpoint[],
  question: RouteQuestion,
): Endpoint | undefined {
  return endpoints.find((endpoint) => obstacle(endpoint, question) === undefined);
}

/**
 * Finds the endpoint that shares the longest prefix with the peer, then has the nearest port.
 *
 * @returns undefined when there are no endpoints.
 */
export function nearestRoute(
  endpoints: readonly Endpoint[],
  question: RouteQuestion,
): NearestRoute | undefined {
  let nearest: Endpoint | undefined;
  for (const endpoint of endpoints) {
    if (nearest === undefined || isNearer(endpoint, nearest, question)) nearest = endpoint;
  }
  if (nearest === undefined) return undefined;
  const why = obstacle(nearest, question) ?? 'the peer is an address of the gateway itself';
  return { cluster: nearest.cluster.name, endpoint: nearest.toString(), why };
}

function isNearer(a: Endpoint, b: Endpoint, { peer, port }: RouteQuestion): boolean {
  const bits = addressNearness(a, peer) - addressNearness(b, peer);
  if (bits !== 0 || port === undefined) return bits > 0;
  return a.portDistance(port) < b.portDistance(port);
}

/** An endpoint that contains the peer is nearer than any that does not, however long the prefix of that one. */
function addressNearness({ prefix }: Endpoint, peer: TransportAddress): number {
  return prefix.contains(peer) ? CONTAINED : prefix.commonBits(peer);
}

/** What keeps an endpoint from admitting the peer; undefined when nothing does. */
function obstacle(endpoint: Endpoint, question: RouteQuestion): string | undefined {
  const { cluster, prefix } = endpoint;
  const { userRoutes, peer, port, forbidden } = question;
  if (prefix.family !== peer.family) return 'the endpoint is of the other address family';
  if (!prefix.contains(peer)) return 'the address is outside the endpoint';
  if (cluster.protocol !== 'udp') return 'the cluster relays TCP only';
  if (userRoutes?.includes(cluster.name) === false) return 'the user is confined to other clusters';
  if (forbidden !== undefined && !cluster.dangerouslyAllows(peer)) {
    return `the address is on the hard deny list (${forbidden})`;
  }
  if (port === undefined || endpoint.ports.has(port)) return undefined;
  return `the port is not in ${endpoint.minPort}-${endpoint.maxPort}`;
}

/** More bits than any two addresses share. */
const CONTAINED = 129;
