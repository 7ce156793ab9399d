import type { Network } from '../report-data.ts';
import { ADDRESSES, type Addresses } from '../settings.ts';
import { createVethPair } from './veth-pair.ts';

/** What server and generator are joined by. */
export interface BenchNetwork {
  readonly name: Network;
  readonly addresses: Addresses;
  /** What a command line begins with so that it runs where the server, or the generator, belongs. */
  readonly prefixes: { readonly server: readonly string[]; readonly generator: readonly string[] };
}

/** Prepares a network; what it is made of is removed when this process ends. Throws when that cannot be had here. */
export function openNetwork(name: Network): BenchNetwork {
  const addresses = ADDRESSES[name];
  if (name !== 'veth') return { name, addresses, prefixes: { server: [], generator: [] } };
  const { server, generator } = createVethPair(addresses);
  return { name, addresses, prefixes: { server: server.prefix, generator: generator.prefix } };
}
