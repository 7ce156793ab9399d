import { checkAcmeUse, normaliseAcme } from './acme.ts';
import { normaliseAdmin } from './admin.ts';
import { normaliseAuth } from './authentication.ts';
import { normaliseClusters } from './clusters.ts';
import { isDiscovering } from './discovery.ts';
import type { GatewayConfig } from './gateway-config.ts';
import { normaliseIce } from './ice.ts';
import { normaliseLimits } from './limits.ts';
import { normaliseListeners } from './listeners.ts';
import type { FileFacts, NormaliseContext } from './normalise-context.ts';
import { normaliseRelay } from './relay.ts';
import { checkRoutes } from './routes.ts';
import type { FileConfig } from './schema.ts';
import { settleSockets } from './sockets.ts';
import { usableEntries } from './validate.ts';

/** Turns a file of valid shape into the configuration; what one section says about another is checked here. */
export function normalise(file: FileConfig, context: NormaliseContext): GatewayConfig {
  const clusterNames = new Set(usableEntries(file.clusters).map(([, { name }]) => name));
  const facts: FileFacts = {
    clusterNames,
    hasAcme: file.acme !== undefined,
    isDiscovering: isDiscovering(file.relay ?? {}),
  };
  const admin = normaliseAdmin(file.admin ?? {}, facts, context);
  const config: GatewayConfig = {
    admin,
    auth: normaliseAuth(file.auth ?? {}, context),
    ice: file.ice === undefined ? undefined : normaliseIce(file.ice, facts, context),
    acme: file.acme === undefined ? undefined : normaliseAcme(file.acme, context),
    listeners: normaliseListeners(file.listeners, facts, context),
    relay: normaliseRelay(file.relay ?? {}, context),
    clusters: normaliseClusters(file.clusters, context),
    strictChannelNumbers: file.strict_channel_numbers ?? false,
    limits: normaliseLimits(file.limits ?? {}, admin.userQuota, context),
  };
  checkUserRoutes(file, clusterNames, context);
  checkAcmeUse(config, context);
  const listenerIndexes = usableEntries(file.listeners).map(([index]) => index);
  return settleSockets(config, listenerIndexes, context.report);
}

function checkUserRoutes(
  file: FileConfig,
  clusterNames: ReadonlySet<string>,
  context: NormaliseContext,
): void {
  for (const [index, user] of usableEntries(file.auth?.users)) {
    checkRoutes(user.routes, clusterNames, ['auth', 'users', index, 'routes'], context);
  }
}
