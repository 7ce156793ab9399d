import { availableParallelism } from 'node:os';
import { createVethPair, ip, type VethEnd } from '../../bench/measure/veth-pair.ts';
import { missingTool } from '../../test/support/child-process.ts';

/** Addresses of the gateway, the peer and the other end of the wire, set aside for such use (RFC 2544). */
export const ADDRESSES = {
  server: '198.18.78.1',
  peer: '198.18.78.2',
  client: '198.18.78.3',
} as const;

/** What a command line begins with so that it runs at one end of the wire. */
export interface AttackNetwork {
  readonly server: readonly string[];
  readonly others: readonly string[];
}

let network: AttackNetwork | undefined;

/** Says why such a network cannot be had here; false when it can. */
export function missingNetwork(): string | false {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  return missingTool('ip', 'taskset');
}

/**
 * Two networks joined by a wire. Whoever is at the other end than the gateway owns all of 10.0.0.0/8, and may send
 * from any address there. It is removed when this process ends.
 *
 * The gateway has a processor of its own where there are two.
 */
export function attackNetwork(): AttackNetwork {
  network ??= createNetwork();
  return network;
}

function createNetwork(): AttackNetwork {
  const { server, generator } = createVethPair(ADDRESSES, 'attack');
  addRoutes(server, generator);
  const last = Math.min(1, availableParallelism() - 1);
  return {
    server: [...server.prefix, 'taskset', '--cpu-list', String(last)],
    others: [...generator.prefix, 'taskset', '--cpu-list', '0'],
  };
}

function addRoutes(server: VethEnd, others: VethEnd): void {
  ip('-n', server.namespace, 'route', 'add', '10.0.0.0/8', 'via', ADDRESSES.client);
  ip('-n', others.namespace, 'route', 'add', 'local', '10.0.0.0/8', 'dev', 'lo');
}
