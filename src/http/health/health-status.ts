import type { GatewayStatus } from '../admin/gateway-control.ts';

/**
 * The body of `/status`: what STUNner's has, in its keys (`version` is that of the configuration format there), then
 * what else is known; without user ids, addresses of clients and credentials.
 */
export function healthStatus(status: GatewayStatus): object {
  const { allocations, certificates, clusters, isAlive, isReady, lastReload, mode } = status;
  const { startedAt, state, workers } = status;
  return {
    version: 'v1',
    admin: { name: status.name },
    listeners: status.listeners.map((listener) => ({
      name: listener.name,
      protocol: `TURN-${listener.protocol.toUpperCase()}`,
      address: listener.bind,
      port: listener.port,
      public_address: listener.publicAddress,
      public_port: listener.publicPort,
      routes: listener.routes,
    })),
    clusters,
    allocationCount: allocations.active,
    status: state === 'running' ? (isReady ? 'READY' : 'NOT-READY') : 'TERMINATING',
    gatewayVersion: status.version,
    allocationsMax: allocations.max,
    mode,
    startedAt,
    state,
    isReady,
    notReadyReason: status.notReadyReason,
    isAlive,
    workers,
    certificates,
    lastReload: lastReload && { outcome: lastReload.outcome, at: lastReload.at },
  };
}
