import { checkAcmeUse, normaliseAcme } from './acme.ts';
import { normaliseAuth } from './authentication.ts';
import { normaliseClusters } from './clusters.ts';
import {
  HEALTHCHECK_ENDPOINT_DEFAULT,
  HEALTHCHECK_PORT_DEFAULT,
  LOG_LEVEL_DEFAULT,
  METRICS_PORT_DEFAULT,
  NAME_DEFAULT,
} from './default-values.ts';
import type { GatewayConfig, HttpEndpoint } from './gateway-config.ts';
import { readHttpEndpoint } from './http-endpoints.ts';
import { normaliseIce } from './ice.ts';
import { normaliseLimits } from './limits.ts';
import { normaliseListeners } from './listeners.ts';
import { parseLogLevels } from './log-levels.ts';
import type { FileFacts, NormaliseContext } from './normalise-context.ts';
import { normaliseRelay } from './relay.ts';
import { checkRoutes } from './routes.ts';
import type { AdminSection, FileConfig } from './schema.ts';
import { httpSocket, listenerSockets, reportClashes } from './sockets.ts';
import { usableEntries } from './validate.ts';

const IGNORED_KEYS = ['offload_engine', 'offload_interfaces', 'license_config'] as const;

/** Turns a file of valid shape into the configuration; what one section says about another is checked here. */
export function normalise(file: FileConfig, context: NormaliseContext): GatewayConfig {
  const clusterNames = new Set(usableEntries(file.clusters).map(([, { name }]) => name));
  const facts: FileFacts = { clusterNames, hasAcme: file.acme !== undefined };
  const config: GatewayConfig = {
    admin: normaliseAdmin(file.admin ?? {}, context),
    auth: normaliseAuth(file.auth ?? {}, context),
    ice: file.ice === undefined ? undefined : normaliseIce(file.ice, facts, context),
    acme: file.acme === undefined ? undefined : normaliseAcme(file.acme, context),
    listeners: normaliseListeners(file.listeners, facts, context),
    relay: normaliseRelay(file.relay ?? {}, context),
    clusters: normaliseClusters(file.clusters, context),
    strictChannelNumbers: file.strict_channel_numbers ?? false,
    limits: normaliseLimits(file.limits ?? {}),
  };
  checkUserRoutes(file, clusterNames, context);
  checkAcmeUse(config, context);
  checkSockets(file, config, context);
  return config;
}

function normaliseAdmin(admin: AdminSection, context: NormaliseContext): GatewayConfig['admin'] {
  const { report } = context;
  for (const key of IGNORED_KEYS) {
    if (Object.hasOwn(admin, key)) report.warning(['admin', key], 'is ignored', 'key');
  }
  const metrics = admin.metrics_endpoint ?? '';
  const healthcheck =
    admin.healthcheck_endpoint === undefined
      ? HEALTHCHECK_ENDPOINT_DEFAULT
      : (admin.healthcheck_endpoint ?? '');
  return {
    name: admin.name || NAME_DEFAULT,
    logLevels: logLevelsOf(admin, context),
    logFormat: admin.log_format?.toLowerCase() === 'text' ? 'text' : 'json',
    metricsEndpoint: readHttpEndpoint(
      metrics,
      METRICS_PORT_DEFAULT,
      ['admin', 'metrics_endpoint'],
      context,
    ),
    healthcheckEndpoint: readHttpEndpoint(
      healthcheck,
      HEALTHCHECK_PORT_DEFAULT,
      ['admin', 'healthcheck_endpoint'],
      context,
    ),
    userQuota: admin.user_quota ?? 0,
  };
}

function logLevelsOf(
  admin: AdminSection,
  { report }: NormaliseContext,
): GatewayConfig['admin']['logLevels'] {
  const levels = parseLogLevels(admin.loglevel ?? '');
  if (typeof levels !== 'string') return levels;
  report.problem(['admin', 'loglevel'], levels);
  return { all: LOG_LEVEL_DEFAULT };
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

function checkSockets(file: FileConfig, config: GatewayConfig, { report }: NormaliseContext): void {
  const indexes = usableEntries(file.listeners).map(([index]) => index);
  const { metricsEndpoint, healthcheckEndpoint } = config.admin;
  const sockets = [
    ...listenerSockets(config.listeners, indexes),
    ...httpSocket(metricsEndpoint, ['admin', 'metrics_endpoint']),
    ...httpSocket(healthcheckEndpoint, ['admin', 'healthcheck_endpoint']),
    ...httpSocket(config.ice?.endpoint, ['ice', 'endpoint']),
    ...httpSocket(challengeEndpoint(config), ['acme', 'http_endpoint']),
  ];
  reportClashes(sockets, report);
}

function challengeEndpoint({ acme }: GatewayConfig): HttpEndpoint | undefined {
  return acme?.challenge === 'http-01' ? acme.httpEndpoint : undefined;
}
