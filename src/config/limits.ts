import {
  ALLOCATIONS_CAPACITY,
  ALLOCATIONS_MAX_DEFAULT,
  ALLOCATIONS_PER_ADDRESS_MAX_DEFAULT,
  BYTES_PER_SECOND_PER_ALLOCATION_DEFAULT,
  CHANNELS_PER_ALLOCATION_MAX_DEFAULT,
  CONNECTIONS_PER_ADDRESS_MAX_DEFAULT,
  DEGRADED_BYTES_PER_SECOND_DEFAULT,
  HANDSHAKES_PER_SECOND_DEFAULT,
  HANDSHAKES_PER_SECOND_PER_ADDRESS_DEFAULT,
  PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT,
  UNAUTHENTICATED_PER_SECOND_PER_ADDRESS_DEFAULT,
} from '../limits.ts';
import type { LimitsConfig } from './gateway-config.ts';
import type { NormaliseContext } from './normalise-context.ts';
import type { LimitsSection } from './schema.ts';

/**
 * Fills in the `limits` section.
 *
 * @param userQuota - allocations per user; 0: no quota.
 */
export function normaliseLimits(
  limits: LimitsSection,
  userQuota: number,
  { report }: NormaliseContext,
): LimitsConfig {
  if (isDegrading(limits) && userQuota === 0) {
    report.warning(['limits', 'over_user_quota'], 'has no effect; admin.user_quota is 0');
  }
  if ((limits.allocations_max ?? 0) > ALLOCATIONS_CAPACITY) {
    const message = `is more than one gateway has room for, which is ${ALLOCATIONS_CAPACITY}`;
    report.warning(['limits', 'allocations_max'], message);
  }
  return {
    allocationsMax: limits.allocations_max ?? ALLOCATIONS_MAX_DEFAULT,
    allocationsPerAddressMax:
      limits.allocations_per_address_max ?? ALLOCATIONS_PER_ADDRESS_MAX_DEFAULT,
    connectionsPerAddressMax:
      limits.connections_per_address_max ?? CONNECTIONS_PER_ADDRESS_MAX_DEFAULT,
    handshakesPerSecond: limits.handshakes_per_second ?? HANDSHAKES_PER_SECOND_DEFAULT,
    handshakesPerSecondPerAddress:
      limits.handshakes_per_second_per_address ?? HANDSHAKES_PER_SECOND_PER_ADDRESS_DEFAULT,
    permissionsPerAllocationMax:
      limits.permissions_per_allocation_max ?? PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT,
    channelsPerAllocationMax:
      limits.channels_per_allocation_max ?? CHANNELS_PER_ALLOCATION_MAX_DEFAULT,
    bytesPerSecondPerAllocation:
      limits.bytes_per_second_per_allocation ?? BYTES_PER_SECOND_PER_ALLOCATION_DEFAULT,
    packetsPerSecondPerAllocation: limits.packets_per_second_per_allocation ?? 0,
    bytesPerSecondPerUser: limits.bytes_per_second_per_user ?? 0,
    packetsPerSecondPerUser: limits.packets_per_second_per_user ?? 0,
    overUserQuota: isDegrading(limits) ? 'degrade' : 'refuse',
    degradedBytesPerSecond: limits.degraded_bytes_per_second ?? DEGRADED_BYTES_PER_SECOND_DEFAULT,
    unauthenticatedPerSecondPerAddress:
      limits.unauthenticated_per_second_per_address ??
      UNAUTHENTICATED_PER_SECOND_PER_ADDRESS_DEFAULT,
  };
}

function isDegrading(limits: LimitsSection): boolean {
  return limits.over_user_quota?.toLowerCase() === 'degrade';
}
