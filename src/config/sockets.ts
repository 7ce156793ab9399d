import { isIpv6, isUnspecified } from './addresses.ts';
import type { GatewayConfig, HttpEndpoint } from './gateway-config.ts';
import { isDatagramProtocol } from './listener-protocols.ts';
import { formatPath, type Path, type ProblemReport } from './problems.ts';

/** A socket that the configuration asks for. */
export interface Socket {
  readonly path: Path;
  readonly transport: 'udp' | 'tcp';
  /** IP address or host name; undefined or empty means every address. */
  readonly host: string | undefined;
  readonly port: number;
}

/** Sockets of the listeners; `indexes` are their places in the file. */
export function listenerSockets(
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

/** The socket of an HTTP endpoint, when there is one. */
export function httpSocket(endpoint: HttpEndpoint | undefined, path: Path): Socket[] {
  return endpoint === undefined
    ? []
    : [{ path, transport: 'tcp', host: endpoint.host, port: endpoint.port }];
}

/** Reports every socket that wants the address, port and transport of an earlier one. */
export function reportClashes(sockets: readonly Socket[], report: ProblemReport): void {
  const sound = sockets.filter(({ path }) => !report.hasProblemAt(path.slice(0, 2)));
  for (const [index, socket] of sound.entries()) {
    const earlier = sound.slice(0, index).find((other) => isClash(socket, other));
    if (earlier === undefined) continue;
    const place = `${socket.transport.toUpperCase()} port ${socket.port}`;
    report.problem(socket.path, `${place} is taken by ${formatPath(earlier.path)}`);
  }
}

function isClash(left: Socket, right: Socket): boolean {
  return left.transport === right.transport && left.port === right.port && isOverlap(left, right);
}

function isOverlap({ host: left }: Socket, { host: right }: Socket): boolean {
  if (!left || !right || left === right) return true;
  return isIpv6(left) === isIpv6(right) && (isUnspecified(left) || isUnspecified(right));
}
