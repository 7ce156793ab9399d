import { issueCredential } from '../auth/issue-credential.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { IceGateway } from '../http/ice/ice-source.ts';
import type { UnixSeconds } from '../turn/policy.ts';

/** A configuration as the ICE API and `turnpike auth` see it. */
export function iceGateway(config: Pick<GatewayConfig, 'listeners' | 'auth'>): IceGateway {
  return {
    listeners: config.listeners.map((listener) => ({
      name: listener.name,
      protocol: listener.protocol,
      publicAddress: listener.publicAddress,
      address: listener.address ?? listener.bind,
      port: listener.publicPort ?? listener.port,
    })),
    issue: (userId, ttlSeconds) => {
      const now = Math.floor(Date.now() / 1000) as UnixSeconds;
      return issueCredential(config.auth, userId, ttlSeconds, now);
    },
  };
}
