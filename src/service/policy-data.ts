import type { GatewayConfig } from '../config/gateway-config.ts';
import type { StatisticsSlots } from '../metrics/worker-statistics.ts';
import type { OwnAddressData } from '../route/own-addresses.ts';
import { resolveEndpoints } from '../route/resolved-endpoints.ts';
import type { RouteTableData } from '../route/route-table.ts';
import type { PolicyData, RulesData } from './turn-service.ts';

/** What policies are made from beside the configuration. */
export interface PolicyInputs {
  /** Transport addresses that are, or were, those of the gateway itself. */
  readonly own: readonly OwnAddressData[];
  /** Current addresses of the host names of clusters. */
  readonly addressesByName: ReadonlyMap<string, readonly string[]>;
  readonly slots: StatisticsSlots;
  readonly revocations: PolicyData['auth']['revocations'];
  readonly isDraining: boolean;
}

/** Collects what workers decide by. */
export function policyData(config: GatewayConfig, inputs: PolicyInputs): PolicyData {
  const { slots, revocations } = inputs;
  return {
    auth: { ...config.auth, revocations },
    routes: routeTableData(config, inputs),
    rules: rulesData(config, inputs),
    slots,
  };
}

/** Collects what decides about peers. */
export function routeTableData(
  { listeners, clusters, relay }: Pick<GatewayConfig, 'listeners' | 'clusters' | 'relay'>,
  { own, addressesByName }: Pick<PolicyInputs, 'own' | 'addressesByName'>,
): RouteTableData {
  return {
    listeners: listeners.map(({ name, routes }) => ({ name, routes })),
    clusters: clusters.map(({ name, protocol, dangerouslyAllow, endpoints }) => ({
      name,
      protocol,
      dangerouslyAllow,
      endpoints: resolveEndpoints(endpoints, addressesByName),
    })),
    own,
    nat64Prefixes: relay.nat64Prefixes,
  };
}

function rulesData(
  { admin, auth, relay, limits, strictChannelNumbers }: GatewayConfig,
  { isDraining }: PolicyInputs,
): RulesData {
  const { minPort, maxPort } = relay;
  const degradedRate = { bytesPerSecond: limits.degradedBytesPerSecond, packetsPerSecond: 0 };
  return {
    relayPorts: { minPort, maxPort },
    strictChannelNumbers,
    onCredentialExpiry: auth.onExpiry,
    permissionsPerAllocationMax: limits.permissionsPerAllocationMax,
    channelsPerAllocationMax: limits.channelsPerAllocationMax,
    allocationRate: {
      bytesPerSecond: limits.bytesPerSecondPerAllocation,
      packetsPerSecond: limits.packetsPerSecondPerAllocation,
    },
    degradedRate: limits.overUserQuota === 'degrade' ? degradedRate : undefined,
    isDraining,
    alternateServers: admin.alternateServers,
    quota: {
      allocationsMax: limits.allocationsMax,
      allocationsPerAddressMax: limits.allocationsPerAddressMax,
      allocationsPerUserMax: admin.userQuota,
    },
    userRate: {
      bytesPerSecond: limits.bytesPerSecondPerUser,
      packetsPerSecond: limits.packetsPerSecondPerUser,
    },
    answersPerSecondPerAddress: limits.unauthenticatedPerSecondPerAddress,
  };
}
