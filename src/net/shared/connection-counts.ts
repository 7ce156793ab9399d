import { CONNECTIONS_PER_WORKER_MAX } from '../../limits.ts';
import { IPV6, type TransportAddress } from '../../stun/transport-address.ts';
import { descriptorLimit } from './descriptor-limit.ts';

/** Counts stream connections in all and by client network: an IPv4 address or an IPv6 /64. */
export class ConnectionCounts {
  /** Connections of one network at once; what there is stays when it becomes less. */
  perNetworkMax: number;
  readonly #max: number;
  readonly #countByNetwork = new Map<string, number>();
  #total = 0;

  /** How many connections there may be at once. */
  constructor(max: number, perNetworkMax: number) {
    this.#max = max;
    this.perNetworkMax = perNetworkMax;
  }

  /** True when there may be one more connection of somebody. */
  get hasRoom(): boolean {
    return this.#total < this.#max;
  }

  /** True when a client may have one more connection. */
  hasRoomFor(client: TransportAddress): boolean {
    return this.hasRoom && this.#countOf(networkOf(client)) < this.perNetworkMax;
  }

  /** Counts a connection of a client that there is room for. */
  add(client: TransportAddress): void {
    const network = networkOf(client);
    this.#countByNetwork.set(network, this.#countOf(network) + 1);
    this.#total++;
  }

  /** Takes back a connection that was counted. */
  remove(client: TransportAddress): void {
    const network = networkOf(client);
    const count = this.#countOf(network);
    if (count > 1) this.#countByNetwork.set(network, count - 1);
    else this.#countByNetwork.delete(network);
    this.#total--;
  }

  #countOf(network: string): number {
    return this.#countByNetwork.get(network) ?? 0;
  }
}

/** Connections that each of `workers` may have, so that half of the process's descriptors are left for relays. */
export function connectionsPerWorker(workers: number): number {
  return Math.min(CONNECTIONS_PER_WORKER_MAX, Math.floor(descriptorLimit() / 2 / workers));
}

/** The network that one client is taken to own: an IPv4 address, or an IPv6 /64. */
export function networkOf({ family, word0, word1 }: TransportAddress): string {
  return family === IPV6 ? `${word0}:${word1}` : `${word0}`;
}
