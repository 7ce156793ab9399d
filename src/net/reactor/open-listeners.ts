import { randomInt } from 'node:crypto';
import { openTcpListener, openUdpSocket, closeSocket } from '../../sys/socket.ts';
import { steerDatagrams } from '../../sys/steering.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import type { ListenerPlan } from '../data-plane.ts';
import { listenError } from '../shared/listen-error.ts';
import { isDatagramListener } from '../shared/listener-change.ts';
import { isWildcard, listenIps } from '../shared/listen-ips.ts';
import type { OpenListener } from './worker-protocol.ts';

const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const SEND_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * Opens the sockets of a listener, for each address and worker; the kernel spreads 5-tuples over those of one address.
 *
 * The main thread opens them, so that they outlive a worker: closing one would move the clients of all others.
 *
 * @returns the sockets by worker.
 * @throws GatewayError GW_ERR_LISTEN; nothing stays open then.
 */
export function openListener(plan: ListenerPlan, workers: number): OpenListener[][] {
  const ips = listenIps(plan).filter((ip) => ip === plan.bind || hasFamily(ip));
  const opened: OpenListener[][] = Array.from({ length: workers }, () => []);
  const descriptors: number[] = [];
  const openEach = (ip: string): number[] =>
    opened.map(() => {
      const fd = open(plan, ip, true);
      descriptors.push(fd);
      return fd;
    });
  try {
    for (const ip of ips) {
      closeSocket(open(plan, ip, false));
      const sockets = openEach(ip);
      const strangers = isDatagramListener(plan) ? openEach(ip) : [];
      if (strangers.length > 0) steer(sockets, ip);
      for (const [worker, fd] of sockets.entries()) {
        opened[worker]!.push({ plan, fd, strangersFd: strangers[worker], ip });
      }
    }
  } catch (error) {
    for (const fd of descriptors) closeSocket(fd);
    throw listenError(plan, error);
  }
  return opened;
}

function steer(sockets: readonly number[], ip: string): void {
  const { family } = TransportAddress.parse(ip)!;
  const secret = randomInt(2 ** 31) * 2 + 1;
  steerDatagrams(sockets[0]!, { family, workers: sockets.length, secret });
}

/** Closes what `openListener` opened. */
export function closeListeners(listeners: readonly OpenListener[]): void {
  for (const { fd, strangersFd } of listeners) {
    closeSocket(fd);
    if (strangersFd !== undefined) closeSocket(strangersFd);
  }
}

/**
 * Without `reusePort` the port must be free, which is tried first: with it, a second gateway of the same user would
 * quietly take half of the clients.
 */
function open({ protocol, port }: ListenerPlan, ip: string, reusePort: boolean): number {
  const address = TransportAddress.parse(ip, port)!;
  if (protocol === 'tcp' || protocol === 'tls') return openTcpListener({ address, reusePort });
  return openUdpSocket({
    address,
    reusePort,
    packetInfo: isWildcard(ip),
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    sendBufferBytes: SEND_BUFFER_BYTES,
  });
}

/** Hosts without IPv6 have no such sockets at all. */
function hasFamily(ip: string): boolean {
  try {
    closeSocket(openUdpSocket({ address: TransportAddress.parse(ip)! }));
    return true;
  } catch {
    return false;
  }
}
