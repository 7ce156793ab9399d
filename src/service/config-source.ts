import type { GatewayConfig } from '../config/gateway-config.ts';

/** Where a gateway has its configuration from. */
export interface ConfigSource {
  /**
   * Reads the configuration anew.
   *
   * @throws GatewayError GW_ERR_CONFIG_INVALID with every problem on a line of its own, or GW_ERR_CONFIG_UNREADABLE.
   */
  load(): SourcedConfig;
}

/** A configuration with what it was read from. */
export interface SourcedConfig {
  readonly config: GatewayConfig;
  /** Files to be followed; empty for a configuration that does not change. */
  readonly files: readonly string[];
}
