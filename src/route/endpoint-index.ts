import { IPV6, TransportAddress } from '../stun/transport-address.ts';
import type { Cluster, Endpoint } from './endpoint.ts';
import { PortRanges } from './port-ranges.ts';
import type { Prefix } from './prefix.ts';

/** The ports that one cluster routes for one address range. */
export interface PortRoute {
  readonly cluster: Cluster;
  readonly ports: PortRanges;
}

/** What all clusters together say about one address range. */
export interface PrefixRoutes {
  readonly prefix: Prefix;
  readonly portRoutes: readonly PortRoute[];
}

/** All ranges of one prefix length and family, by the hash of their first address. */
interface Level {
  /** Any range of the length: it lends its mask. */
  readonly sample: Prefix;
  readonly routesByHash: Map<number, PrefixRoutes[]>;
}

const scratch = new TransportAddress();

/**
 * Endpoints found by address: one hash look-up per prefix length that occurs, however many endpoints there are.
 *
 * Every range that contains the address is found, the narrowest first, because clusters may overlap.
 */
export class EndpointIndex {
  readonly #ipv4: readonly Level[];
  readonly #ipv6: readonly Level[];

  constructor(endpoints: readonly Endpoint[]) {
    const levels = buildLevels(groupByPrefix(endpoints));
    this.#ipv4 = levels.filter(({ sample }) => sample.family !== IPV6);
    this.#ipv6 = levels.filter(({ sample }) => sample.family === IPV6);
  }

  /** How many prefix lengths occur in the family of the address; `find` takes each level below that number. */
  levelCount(address: TransportAddress): number {
    return this.#levels(address).length;
  }

  /** Finds the range of one level that contains the address, if there is one. */
  find(level: number, address: TransportAddress): PrefixRoutes | undefined {
    const found = this.#levels(address)[level];
    if (found === undefined) return undefined;
    found.sample.mask(address, scratch);
    const bucket = found.routesByHash.get(scratch.hashIp());
    if (bucket === undefined) return undefined;
    for (const routes of bucket) {
      if (routes.prefix.first.equalsIp(scratch)) return routes;
    }
    return undefined;
  }

  #levels(address: TransportAddress): readonly Level[] {
    return address.family === IPV6 ? this.#ipv6 : this.#ipv4;
  }
}

interface PrefixGroup {
  readonly prefix: Prefix;
  readonly endpoints: Endpoint[];
}

function groupByPrefix(endpoints: readonly Endpoint[]): Iterable<PrefixGroup> {
  const groups = new Map<string, PrefixGroup>();
  for (const endpoint of endpoints) {
    const { prefix } = endpoint;
    const key = prefix.toString();
    const group = groups.get(key) ?? { prefix, endpoints: [] };
    groups.set(key, group);
    group.endpoints.push(endpoint);
  }
  return groups.values();
}

function buildLevels(groups: Iterable<PrefixGroup>): Level[] {
  const levels = new Map<string, Level>();
  for (const { prefix, endpoints } of groups) {
    const key = `${prefix.family}/${prefix.length}`;
    const level = levels.get(key) ?? { sample: prefix, routesByHash: new Map() };
    levels.set(key, level);
    const hash = prefix.first.hashIp();
    const bucket = level.routesByHash.get(hash) ?? [];
    level.routesByHash.set(hash, bucket);
    bucket.push({ prefix, portRoutes: portRoutesOf(endpoints) });
  }
  return [...levels.values()].toSorted((a, b) => b.sample.length - a.sample.length);
}

function portRoutesOf(group: readonly Endpoint[]): PortRoute[] {
  const endpointsByCluster = new Map<Cluster, Endpoint[]>();
  for (const endpoint of group) {
    const known = endpointsByCluster.get(endpoint.cluster);
    if (known === undefined) endpointsByCluster.set(endpoint.cluster, [endpoint]);
    else known.push(endpoint);
  }
  return [...endpointsByCluster].map(([cluster, endpoints]) => ({
    cluster,
    ports: new PortRanges(endpoints.map((endpoint) => endpoint.portRange)),
  }));
}
