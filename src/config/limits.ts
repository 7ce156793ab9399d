import {
  ALLOCATIONS_MAX_DEFAULT,
  ALLOCATIONS_PER_ADDRESS_MAX_DEFAULT,
  CONNECTIONS_PER_ADDRESS_MAX_DEFAULT,
  HANDSHAKES_PER_SECOND_DEFAULT,
  HANDSHAKES_PER_SECOND_PER_ADDRESS_DEFAULT,
} from '../limits.ts';
import type { LimitsConfig } from './gateway-config.ts';
import type { LimitsSection } from './schema.ts';

/** Fills in the `limits` section. */
export function normaliseLimits(limits: LimitsSection): LimitsConfig {
  return {
    allocationsMax: limits.allocations_max ?? ALLOCATIONS_MAX_DEFAULT,
    allocationsPerAddressMax:
      limits.allocations_per_address_max ?? ALLOCATIONS_PER_ADDRESS_MAX_DEFAULT,
    connectionsPerAddressMax:
      limits.connections_per_address_max ?? CONNECTIONS_PER_ADDRESS_MAX_DEFAULT,
    handshakesPerSecond: limits.handshakes_per_second ?? HANDSHAKES_PER_SECOND_DEFAULT,
    handshakesPerSecondPerAddress:
      limits.handshakes_per_second_per_address ?? HANDSHAKES_PER_SECOND_PER_ADDRESS_DEFAULT,
  };
}
