import { IPV6, TransportAddress } from '../stun/transport-address.ts';
import type { EndpointData, ClusterData } from './endpoint.ts';
import type { PrefixData } from './prefix.ts';

/** An endpoint before host names are resolved, as plain data. */
export interface UnresolvedEndpoint {
  /** IP address, or host name when there is no prefix length. */
  readonly host: string;
  readonly prefixLength: number | undefined;
  readonly minPort: number;
  readonly maxPort: number;
}

/** A cluster before host names are resolved, as plain data. */
export interface UnresolvedCluster extends Omit<ClusterData, 'endpoints'> {
  readonly endpoints: readonly UnresolvedEndpoint[];
}

/** A host name to resolve, with the exceptions from the hard deny list of every cluster that uses it. */
export interface ResolvableName {
  readonly name: string;
  readonly dangerouslyAllow: readonly PrefixData[];
}

/** Lists the host names of clusters, each once. */
export function hostNamesOf(clusters: readonly UnresolvedCluster[]): ResolvableName[] {
  const allowByName = new Map<string, PrefixData[]>();
  for (const { endpoints, dangerouslyAllow } of clusters) {
    const names = endpoints.filter((endpoint) => endpoint.prefixLength === undefined);
    for (const name of new Set(names.map((endpoint) => endpoint.host))) {
      allowByName.set(name, [...(allowByName.get(name) ?? []), ...dangerouslyAllow]);
    }
  }
  return [...allowByName].map(([name, dangerouslyAllow]) => ({ name, dangerouslyAllow }));
}

/**
 * Puts addresses in place of host names; ports stay as they are.
 *
 * @param addressesByName - text addresses; a name without an entry gives no endpoint.
 */
export function resolveEndpoints(
  endpoints: readonly UnresolvedEndpoint[],
  addressesByName: ReadonlyMap<string, readonly string[]>,
): EndpointData[] {
  return endpoints.flatMap(({ host, prefixLength, minPort, maxPort }) => {
    if (prefixLength !== undefined) return [{ address: host, prefixLength, minPort, maxPort }];
    const addresses = addressesByName.get(host) ?? [];
    return addresses.map((address) => ({
      address,
      prefixLength: TransportAddress.parse(address)?.family === IPV6 ? 128 : 32,
      minPort,
      maxPort,
    }));
  });
}
