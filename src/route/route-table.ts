import type { TransportAddress } from '../stun/transport-address.ts';
import type { PeerDenial, PeerPolicy, PeerVerdict } from '../turn/policy.ts';
import { Cluster, type ClusterData, type Endpoint } from './endpoint.ts';
import { EndpointIndex } from './endpoint-index.ts';
import { forbiddenCategory } from './forbidden-peers.ts';
import { OwnAddresses, type OwnAddressData } from './own-addresses.ts';
import { Prefix, type PrefixData } from './prefix.ts';
import { admittingEndpoint, nearestRoute, type RouteExplanation } from './route-explanation.ts';

/** Everything that decides about peers, as plain data that can be sent to a worker. */
export interface RouteTableData {
  /** Names of the clusters that each listener routes to; a name without a cluster routes nowhere. */
  readonly listeners: readonly { readonly name: string; readonly routes: readonly string[] }[];
  /** STRICT_DNS clusters with their names resolved (see `resolveEndpoints`). */
  readonly clusters: readonly ClusterData[];
  /** Listener, relayed and advertised addresses of the gateway. */
  readonly own: readonly OwnAddressData[];
  /** Prefixes under which the network translates IPv6 to IPv4 (RFC 6052 §2.2); none unless given. */
  readonly nat64Prefixes?: readonly PrefixData[];
}

interface ListenerRoutes {
  /** Endpoints of UDP clusters. */
  readonly index: EndpointIndex;
  /** Endpoints of all clusters, for explanations. */
  readonly endpoints: readonly Endpoint[];
}

/** An immutable snapshot of the routes: the only place that decides which peers may be reached. */
export class RouteTable implements PeerPolicy {
  readonly #routesByListener: ReadonlyMap<string, ListenerRoutes>;
  readonly #own: OwnAddresses;
  readonly #nat64Prefixes: readonly Prefix[];

  /** @throws RangeError when an address, prefix length or port of the data is none. */
  constructor(data: RouteTableData) {
    this.#routesByListener = buildListeners(data);
    this.#nat64Prefixes = (data.nat64Prefixes ?? []).map((prefix) => new Prefix(prefix));
    this.#own = new OwnAddresses(data.own, this.#nat64Prefixes);
  }

  /** Judges a peer: our own addresses first, then the hard deny list, then every endpoint that matches. */
  admit(
    listener: string,
    userRoutes: readonly string[] | undefined,
    peer: TransportAddress,
    port: number | undefined,
  ): PeerVerdict {
    const judgement = this.#judge(listener, userRoutes, peer, port);
    return typeof judgement === 'string' ? judgement : 'admitted';
  }

  clusterOf(
    listener: string,
    userRoutes: readonly string[] | undefined,
    peer: TransportAddress,
    port: number | undefined,
  ): string | undefined {
    const judgement = this.#judge(listener, userRoutes, peer, port);
    return typeof judgement === 'string' ? undefined : judgement.name;
  }

  /** Says what `admit` decides and by which endpoint, or which endpoint comes nearest; scans all endpoints. */
  explain(
    listener: string,
    userRoutes: readonly string[] | undefined,
    peer: TransportAddress,
    port: number | undefined,
  ): RouteExplanation {
    const verdict = this.admit(listener, userRoutes, peer, port);
    const forbidden = forbiddenCategory(peer, this.#nat64Prefixes);
    const endpoints = this.#routesByListener.get(listener)?.endpoints ?? [];
    const question = { userRoutes, peer, port, forbidden };
    if (verdict !== 'admitted') {
      return { verdict, forbidden, nearest: nearestRoute(endpoints, question) };
    }
    const endpoint = admittingEndpoint(endpoints, question);
    return { verdict, forbidden, cluster: endpoint?.cluster.name, endpoint: endpoint?.toString() };
  }

  #judge(
    listener: string,
    userRoutes: readonly string[] | undefined,
    peer: TransportAddress,
    port: number | undefined,
  ): Cluster | PeerDenial {
    // Without a port nothing can be said about our own addresses: other ports of the same host may be backends.
    if (port !== undefined && this.#own.includes(peer, port)) return 'ownAddress';
    const isForbidden = forbiddenCategory(peer, this.#nat64Prefixes) !== undefined;
    const routes = this.#routesByListener.get(listener);
    if (routes === undefined) return isForbidden ? 'forbiddenPeer' : 'noRoute';
    return judgeByRoutes(routes.index, userRoutes, peer, port, isForbidden);
  }
}

function buildListeners(data: RouteTableData): Map<string, ListenerRoutes> {
  const clusterByName = new Map(
    data.clusters.map((cluster) => [cluster.name, new Cluster(cluster)]),
  );
  const routesByListener = new Map<string, ListenerRoutes>();
  for (const { name, routes } of data.listeners) {
    const endpoints = [...new Set(routes)].flatMap(
      (route) => clusterByName.get(route)?.endpoints ?? [],
    );
    const udpEndpoints = endpoints.filter(({ cluster }) => cluster.protocol === 'udp');
    routesByListener.set(name, { index: new EndpointIndex(udpEndpoints), endpoints });
  }
  return routesByListener;
}

function judgeByRoutes(
  index: EndpointIndex,
  userRoutes: readonly string[] | undefined,
  peer: TransportAddress,
  port: number | undefined,
  isForbidden: boolean,
): Cluster | PeerDenial {
  let isAddressRouted = false;
  const levelCount = index.levelCount(peer);
  for (let level = 0; level < levelCount; level++) {
    const found = index.find(level, peer);
    if (found === undefined) continue;
    for (const { cluster, ports } of found.portRoutes) {
      if (userRoutes !== undefined && !userRoutes.includes(cluster.name)) continue;
      if (isForbidden && !cluster.dangerouslyAllows(peer)) continue;
      if (port === undefined || ports.has(port)) return cluster;
      isAddressRouted = true;
    }
  }
  if (isAddressRouted) return 'portNotRouted';
  return isForbidden ? 'forbiddenPeer' : 'noRoute';
}
