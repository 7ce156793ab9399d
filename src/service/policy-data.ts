import type { GatewayConfig } from '../config/gateway-config.ts';
import type { OwnAddressData } from '../route/own-addresses.ts';
import { resolveEndpoints } from '../route/resolved-endpoints.ts';
import type { PolicyData } from './turn-service.ts';

/** Collects what workers decide by from a configuration and the current addresses of its host names. */
export function policyData(
  config: GatewayConfig,
  own: readonly OwnAddressData[],
  addressesByName: ReadonlyMap<string, readonly string[]>,
): PolicyData {
  return {
    auth: config.auth,
    routes: {
      listeners: config.listeners.map((listener) => ({
        name: listener.name,
        routes: listener.routes,
      })),
      clusters: config.clusters.map((cluster) => ({
        name: cluster.name,
        protocol: cluster.protocol,
        dangerouslyAllow: cluster.dangerouslyAllow,
        endpoints: resolveEndpoints(cluster.endpoints, addressesByName),
      })),
      own,
    },
  };
}
