import { formatDuration } from './durations.ts';
import type {
  AcmeConfig,
  ClusterConfig,
  EndpointConfig,
  GatewayConfig,
  HttpEndpoint,
  ListenerConfig,
  PrefixConfig,
  StaticUser,
} from './gateway-config.ts';
import { formatHttpEndpoint } from './http-endpoints.ts';
import { isIpv6 } from './addresses.ts';
import { isDatagramProtocol } from './listener-protocols.ts';
import { formatLogLevels } from './log-levels.ts';
import { listenerTlsEntries, tlsEntry } from './redact-tls.ts';
import { MASK, withoutUnset } from './redact-values.ts';

/**
 * The effective configuration as plain data in the format of the file, with every secret masked.
 *
 * @returns fresh objects; keys that are unset are left out.
 */
export function redactConfig(config: GatewayConfig): Record<string, unknown> {
  const { admin, ice, relay, limits } = config;
  return withoutUnset({
    version: 'v1',
    admin: {
      name: admin.name,
      loglevel: formatLogLevels(admin.logLevels),
      log_format: admin.logFormat,
      metrics_endpoint: urlOf(admin.metricsEndpoint),
      healthcheck_endpoint: urlOf(admin.healthcheckEndpoint),
      user_quota: admin.userQuota,
    },
    auth: redactAuth(config.auth),
    ice: ice && {
      endpoint: formatHttpEndpoint(ice.endpoint, ice.tls === undefined ? 'http' : 'https'),
      ...(ice.tls === undefined ? {} : { tls: tlsEntry(ice.tls) }),
      api_keys: ice.apiKeys.map(() => MASK),
      cors: [...ice.cors],
    },
    acme: config.acme && acmeEntry(config.acme),
    listeners: config.listeners.map(listenerEntry),
    relay: {
      min_port: relay.minPort,
      max_port: relay.maxPort,
      addresses: relay.addresses.map((address) => ({ ...address })),
      workers: relay.workers,
    },
    clusters: config.clusters.map(clusterEntry),
    strict_channel_numbers: config.strictChannelNumbers,
    limits: {
      allocations_max: limits.allocationsMax,
      allocations_per_address_max: limits.allocationsPerAddressMax,
      connections_per_address_max: limits.connectionsPerAddressMax,
      handshakes_per_second: limits.handshakesPerSecond,
      handshakes_per_second_per_address: limits.handshakesPerSecondPerAddress,
    },
  });
}

function redactAuth(auth: GatewayConfig['auth']): Record<string, unknown> {
  return {
    type: auth.type,
    realm: auth.realm,
    ...(auth.secrets.length > 0 ? { credentials: { secrets: auth.secrets.map(() => MASK) } } : {}),
    users: auth.users.map(userEntry),
    max_ttl: formatDuration(auth.maxTtlSeconds),
    algorithms: [...auth.algorithms],
  };
}

function userEntry({ username, routes }: StaticUser): Record<string, unknown> {
  return withoutUnset({ username, password: MASK, routes: routes && [...routes] });
}

function listenerEntry(listener: ListenerConfig): Record<string, unknown> {
  return withoutUnset({
    name: listener.name,
    protocol: `TURN-${listener.protocol.toUpperCase()}`,
    bind: listener.bind,
    port: listener.port,
    address: listener.address,
    public_address: listener.publicAddress,
    public_port: listener.publicPort,
    ...listenerTlsEntries(listener),
    ...proxyEntries(listener),
    routes: [...listener.routes],
  });
}

function proxyEntries(listener: ListenerConfig): Record<string, unknown> {
  if (isDatagramProtocol(listener.protocol)) return {};
  return {
    proxy_protocol: listener.proxyProtocol,
    proxy_trusted: listener.proxyTrusted.map(blockText),
  };
}

function acmeEntry(acme: AcmeConfig): Record<string, unknown> {
  return withoutUnset({
    directory: acme.directory,
    domains: [...acme.domains],
    email: acme.email,
    accept_terms: true,
    challenge: acme.challenge,
    http_endpoint: urlOf(acme.httpEndpoint),
    storage: acme.storage,
    ca_file: acme.caFile,
    renew_before: formatDuration(acme.renewBeforeSeconds),
  });
}

function clusterEntry(cluster: ClusterConfig): Record<string, unknown> {
  return {
    name: cluster.name,
    type: cluster.type,
    protocol: cluster.protocol.toUpperCase(),
    endpoints: cluster.endpoints.map(endpointText),
    dangerously_allow: cluster.dangerouslyAllow.map(blockText),
  };
}

function endpointText({ host, prefixLength, minPort, maxPort }: EndpointConfig): string {
  const bits = isIpv6(host) ? 128 : 32;
  const prefix = prefixLength === undefined || prefixLength === bits ? '' : `/${prefixLength}`;
  if (minPort === 1 && maxPort === 65_535) return `${host}${prefix}`;
  const address = isIpv6(host) ? `[${host}]` : host;
  return `${address}${prefix}:${minPort === maxPort ? minPort : `${minPort}-${maxPort}`}`;
}

function blockText({ address, prefixLength }: PrefixConfig): string {
  return `${address}/${prefixLength}`;
}

function urlOf(endpoint: HttpEndpoint | undefined): string {
  return endpoint === undefined ? '' : formatHttpEndpoint(endpoint);
}
