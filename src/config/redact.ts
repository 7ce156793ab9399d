import { formatAlternateServer } from './admin.ts';
import { formatDuration } from './durations.ts';
import type {
  AcmeConfig,
  ClusterConfig,
  EndpointConfig,
  GatewayConfig,
  HttpEndpoint,
  LimitsConfig,
  ListenerConfig,
  PrefixConfig,
  StaticUser,
  TlsConfig,
} from './gateway-config.ts';
import { formatHttpEndpoint } from './http-endpoints.ts';
import { isIpv6 } from './addresses.ts';
import { isDatagramProtocol } from './listener-protocols.ts';
import { formatLogLevels } from './log-levels.ts';
import { listenerTlsEntries, tlsEntry } from './redact-tls.ts';
import { MASK, withoutUnset, type ShowSecret } from './redact-values.ts';

/**
 * The effective configuration as plain data in the format of the file, with every secret masked.
 *
 * @returns fresh objects; keys that are unset are left out.
 */
export function redactConfig(config: GatewayConfig): Record<string, unknown> {
  return configEntries(config, () => MASK);
}

/**
 * The effective configuration as plain data in the format of the file, without what is in files that are read later.
 *
 * @param show - says what stands in place of a secret.
 * @returns fresh objects in the order of the file; keys that are unset are left out.
 */
export function configEntries(config: GatewayConfig, show: ShowSecret): Record<string, unknown> {
  const { ice, relay, limits } = config;
  return withoutUnset({
    version: 'v1',
    admin: adminEntry(config.admin, show),
    auth: authEntry(config.auth, show),
    ice: ice && {
      endpoint: urlOf(ice.endpoint, ice.tls),
      ...(ice.tls === undefined ? {} : { tls: tlsEntry(ice.tls, show) }),
      api_keys: ice.apiKeys.map(show),
      cors: [...ice.cors],
      compat: [...ice.compat],
    },
    acme: config.acme && acmeEntry(config.acme),
    listeners: config.listeners.map((listener) => listenerEntry(listener, show)),
    relay: {
      min_port: relay.minPort,
      max_port: relay.maxPort,
      addresses: relay.addresses.map((address) => ({ ...address })),
      stun_servers: [...relay.stunServers],
      nat64_prefixes: relay.nat64Prefixes.map(blockText),
      workers: relay.workers,
    },
    clusters: config.clusters.map(clusterEntry),
    strict_channel_numbers: config.strictChannelNumbers,
    limits: limitsEntry(limits),
  });
}

function adminEntry(admin: GatewayConfig['admin'], show: ShowSecret): Record<string, unknown> {
  return withoutUnset({
    name: admin.name,
    loglevel: formatLogLevels(admin.logLevels),
    log_format: admin.logFormat,
    metrics_endpoint: urlOf(admin.metricsEndpoint),
    healthcheck_endpoint: urlOf(admin.healthcheckEndpoint),
    api_endpoint: urlOf(admin.apiEndpoint, admin.apiTls),
    api_token: admin.apiToken && show(admin.apiToken),
    api_tls: admin.apiTls && tlsEntry(admin.apiTls, show),
    echo_endpoint: urlOf(admin.echoEndpoint),
    user_quota: admin.userQuota,
    drain_timeout: formatDuration(admin.drainTimeoutSeconds),
    alternate_servers: admin.alternateServers.map(formatAlternateServer),
    ready_fill_max: admin.readyFillMax,
  });
}

function authEntry(auth: GatewayConfig['auth'], show: ShowSecret): Record<string, unknown> {
  return {
    type: auth.type,
    realm: auth.realm,
    ...(auth.secrets.length > 0 ? { credentials: { secrets: auth.secrets.map(show) } } : {}),
    users: auth.users.map((user) => userEntry(user, show)),
    max_ttl: formatDuration(auth.maxTtlSeconds),
    on_expiry: auth.onExpiry,
    algorithms: [...auth.algorithms],
  };
}

function limitsEntry(limits: LimitsConfig): Record<string, unknown> {
  return {
    allocations_max: limits.allocationsMax,
    allocations_per_address_max: limits.allocationsPerAddressMax,
    connections_per_address_max: limits.connectionsPerAddressMax,
    handshakes_per_second: limits.handshakesPerSecond,
    handshakes_per_second_per_address: limits.handshakesPerSecondPerAddress,
    permissions_per_allocation_max: limits.permissionsPerAllocationMax,
    channels_per_allocation_max: limits.channelsPerAllocationMax,
    bytes_per_second_per_allocation: limits.bytesPerSecondPerAllocation,
    packets_per_second_per_allocation: limits.packetsPerSecondPerAllocation,
    bytes_per_second_per_user: limits.bytesPerSecondPerUser,
    packets_per_second_per_user: limits.packetsPerSecondPerUser,
    over_user_quota: limits.overUserQuota,
    degraded_bytes_per_second: limits.degradedBytesPerSecond,
    unauthenticated_per_second_per_address: limits.unauthenticatedPerSecondPerAddress,
  };
}

function userEntry(
  { username, password, routes }: StaticUser,
  show: ShowSecret,
): Record<string, unknown> {
  return withoutUnset({ username, password: show(password), routes: routes && [...routes] });
}

function listenerEntry(listener: ListenerConfig, show: ShowSecret): Record<string, unknown> {
  return withoutUnset({
    name: listener.name,
    protocol: `TURN-${listener.protocol.toUpperCase()}`,
    bind: listener.bind,
    port: listener.port,
    address: listener.address,
    public_address: listener.publicAddress,
    public_port: listener.publicPort,
    ...listenerTlsEntries(listener, show),
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

function urlOf(endpoint: HttpEndpoint | undefined, tls?: TlsConfig): string {
  if (endpoint === undefined) return '';
  return formatHttpEndpoint(endpoint, tls === undefined ? 'http' : 'https');
}
