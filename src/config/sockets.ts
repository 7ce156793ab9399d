import { isIpv6, isUnspecified } from './addresses.ts';
import type { GatewayConfig, HttpEndpoint } from './gateway-config.ts';
import { isDatagramProtocol } from './listener-protocols.ts';
import { formatPath, type Path, type ProblemReport } from './problems.ts';

/** A socket that the configuration asks for. */
interface Socket {
  readonly path: Path;
  readonly transport: 'udp' | 'tcp';
  /** IP address or host name; undefined or empty means every address. */
  readonly host: string | undefined;
  readonly port: number;
}

/**
 * Reports every socket that wants the address, port and transport of an earlier one.
 *
 * @param listenerIndexes - places of the listeners in the file.
 * @returns the configuration without the default endpoints whose place was given to something else.
 */
export function settleSockets(
  config: GatewayConfig,
  listenerIndexes: readonly number[],
  report: ProblemReport,
): GatewayConfig {
  const sockets = [
    ...listenerSockets(config.listeners, listenerIndexes),
    ...askedFor(config.admin.metricsEndpoint, ['admin', 'metrics_endpoint']),
    ...askedFor(config.admin.healthcheckEndpoint, ['admin', 'healthcheck_endpoint']),
    ...askedFor(config.admin.apiEndpoint, ['admin', 'api_endpoint']),
    ...askedFor(config.ice?.endpoint, ['ice', 'endpoint']),
    ...askedFor(challengeEndpoint(config), ['acme', 'http_endpoint']),
  ].filter(({ path }) => !report.hasProblemAt(path.slice(0, 2)));
  reportClashes(sockets, report);
  const freeOrNone = (endpoint: HttpEndpoint | undefined, key: string): HttpEndpoint | undefined =>
    withoutTaken(endpoint, ['admin', key], sockets, report);
  const { admin } = config;
  return {
    ...config,
    admin: {
      ...admin,
      healthcheckEndpoint: freeOrNone(admin.healthcheckEndpoint, 'healthcheck_endpoint'),
      apiEndpoint: freeOrNone(admin.apiEndpoint, 'api_endpoint'),
    },
  };
}

function listenerSockets(
  listeners: GatewayConfig['listeners'],
  indexes: readonly number[],
): Socket[] {
  return listeners.map(({ protocol, bind, port }, order) => ({
    path: ['listeners', indexes[order] ?? order, 'port'],
    transport: isDatagramProtocol(protocol) ? 'udp' : 'tcp',
    host: bind,
    port,
  }));
}

function askedFor(endpoint: HttpEndpoint | undefined, path: Path): Socket[] {
  return endpoint === undefined || endpoint.isDefault ? [] : [socketOf(endpoint, path)];
}

function socketOf({ host, port }: HttpEndpoint, path: Path): Socket {
  return { path, transport: 'tcp', host, port };
}

function challengeEndpoint({ acme }: GatewayConfig): HttpEndpoint | undefined {
  return acme?.challenge === 'http-01' ? acme.httpEndpoint : undefined;
}

function reportClashes(sockets: readonly Socket[], report: ProblemReport): void {
  for (const [index, socket] of sockets.entries()) {
    const earlier = sockets.slice(0, index).find((other) => isClash(socket, other));
    if (earlier === undefined) continue;
    report.problem(socket.path, `${placeOf(socket)} is taken by ${formatPath(earlier.path)}`);
  }
}

function withoutTaken(
  endpoint: HttpEndpoint | undefined,
  path: Path,
  sockets: readonly Socket[],
  report: ProblemReport,
): HttpEndpoint | undefined {
  if (!endpoint?.isDefault) return endpoint;
  const socket = socketOf(endpoint, path);
  const owner = sockets.find((other) => isClash(socket, other));
  if (owner === undefined) return endpoint;
  const name = formatPath(path);
  const message = `takes ${placeOf(socket)}, the default of ${name}, which is off therefore`;
  report.warning(owner.path, message);
  return undefined;
}

function placeOf({ transport, port }: Socket): string {
  return `${transport.toUpperCase()} port ${port}`;
}

function isClash(left: Socket, right: Socket): boolean {
  return left.transport === right.transport && left.port === right.port && isOverlap(left, right);
}

function isOverlap({ host: left }: Socket, { host: right }: Socket): boolean {
  if (!left || !right || left === right) return true;
  return isIpv6(left) === isIpv6(right) && (isUnspecified(left) || isUnspecified(right));
}
