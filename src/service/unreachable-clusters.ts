import type { GatewayConfig } from '../config/gateway-config.ts';
import type { Log } from '../log.ts';

/** Warns of clusters that this version cannot relay to. */
export function reportUnreachable({ listeners, clusters }: GatewayConfig, log: Log): void {
  const tcpClusters = new Set(
    clusters.filter(({ protocol }) => protocol === 'tcp').map(({ name }) => name),
  );
  for (const { name, routes } of listeners) {
    const unreachable = routes.filter((route) => tcpClusters.has(route));
    if (unreachable.length === 0) continue;
    log
      .scope('gateway')
      .warn(
        { listener: name, clusters: unreachable },
        'TCP relays (RFC 6062) are not available yet: these TCP clusters cannot be reached',
      );
  }
}
