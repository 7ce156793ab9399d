import { ALLOCATIONS_MAX_DEFAULT, ALLOCATIONS_PER_ADDRESS_MAX_DEFAULT } from '../limits.ts';
import { isLoopback } from './addresses.ts';
import { normaliseAuth } from './authentication.ts';
import { normaliseClusters } from './clusters.ts';
import {
  HEALTHCHECK_ENDPOINT_DEFAULT,
  HEALTHCHECK_PORT_DEFAULT,
  ICE_ENDPOINT_DEFAULT,
  ICE_PORT_DEFAULT,
  LOG_LEVEL_DEFAULT,
  METRICS_PORT_DEFAULT,
  NAME_DEFAULT,
} from './default-values.ts';
import type { GatewayConfig, HttpEndpoint, IceConfig } from './gateway-config.ts';
import { parseHttpEndpoint } from './http-endpoints.ts';
import { normaliseListeners } from './listeners.ts';
import { parseLogLevels } from './log-levels.ts';
import type { NormaliseContext } from './normalise-context.ts';
import type { Path } from './problems.ts';
import { normaliseRelay } from './relay.ts';
import { checkRoutes } from './routes.ts';
import type { AdminSection, FileConfig, IceSection } from './schema.ts';
import { readSecrets } from './secrets.ts';
import { httpSocket, listenerSockets, reportClashes } from './sockets.ts';
import { usableEntries } from './validate.ts';

const IGNORED_KEYS = ['offload_engine', 'offload_interfaces', 'license_config'] as const;

/** Turns a file of valid shape into the configuration; what one section says about another is checked here. */
export function normalise(file: FileConfig, context: NormaliseContext): GatewayConfig {
  const clusterNames = new Set(usableEntries(file.clusters).map(([, { name }]) => name));
  const config: GatewayConfig = {
    admin: normaliseAdmin(file.admin ?? {}, context),
    auth: normaliseAuth(file.auth ?? {}, context),
    ice: file.ice === undefined ? undefined : normaliseIce(file.ice, context),
    listeners: normaliseListeners(file.listeners, clusterNames, context),
    relay: normaliseRelay(file.relay ?? {}, context),
    clusters: normaliseClusters(file.clusters, context),
    strictChannelNumbers: file.strict_channel_numbers ?? false,
    limits: {
      allocationsMax: file.limits?.allocations_max ?? ALLOCATIONS_MAX_DEFAULT,
      allocationsPerAddressMax:
        file.limits?.allocations_per_address_max ?? ALLOCATIONS_PER_ADDRESS_MAX_DEFAULT,
    },
  };
  checkUserRoutes(file, clusterNames, context);
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
    metricsEndpoint: endpointOf(
      metrics,
      METRICS_PORT_DEFAULT,
      ['admin', 'metrics_endpoint'],
      context,
    ),
    healthcheckEndpoint: endpointOf(
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

function normaliseIce(ice: IceSection, context: NormaliseContext): IceConfig | undefined {
  const { report } = context;
  const keys = readSecrets(ice, 'api_keys', ['ice'], context);
  for (const key of keys) {
    if (key.text === '') report.problem(key.path, 'must not be empty');
  }
  const path = ['ice', 'endpoint'];
  const text = ice.endpoint ?? ICE_ENDPOINT_DEFAULT;
  if (text === '')
    report.problem(path, 'must be a URL; leave the ice section out to have no ICE API');
  const endpoint = endpointOf(text, ICE_PORT_DEFAULT, path, context);
  if (endpoint === undefined) return undefined;
  const areKeysKnown =
    !report.hasProblemAt(['ice', 'api_keys']) && !report.hasProblemAt(['ice', 'api_keys_file']);
  if (keys.length === 0 && areKeysKnown && !isLoopback(endpoint.host)) {
    const instead = `set ice.api_keys, or listen on loopback such as ${ICE_ENDPOINT_DEFAULT}`;
    report.problem(path, `would hand out credentials to everybody; ${instead}`);
  }
  return { endpoint, apiKeys: keys.map((key) => key.text), cors: originsOf(ice, context) };
}

function originsOf(ice: IceSection, { report }: NormaliseContext): readonly string[] {
  for (const [index, origin] of usableEntries(ice.cors)) {
    if (URL.canParse(origin) && new URL(origin).origin === origin) continue;
    const message = 'must be an exact origin such as https://app.example.org, without path';
    report.problem(['ice', 'cors', index], message);
  }
  return usableEntries(ice.cors).map(([, origin]) => origin);
}

function endpointOf(
  text: string,
  defaultPort: number,
  path: Path,
  { report }: NormaliseContext,
): HttpEndpoint | undefined {
  if (text === '') return undefined;
  const endpoint = parseHttpEndpoint(text, defaultPort);
  if (typeof endpoint !== 'string') return endpoint;
  report.problem(path, endpoint);
  return undefined;
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
  ];
  reportClashes(sockets, report);
}
