import type { TransportAddress } from '../stun/transport-address.ts';
import type { Allocation } from './allocation.ts';
import type { TurnCounters } from './counters.ts';
import type { Permission } from './permission.ts';
import type { PeerPolicy, PeerVerdict } from './policy.ts';
import { UNCOUNTED, type TrafficCounter } from './traffic.ts';

/**
 * The one door through which every peer address passes before data may flow: CreatePermission, ChannelBind, Send,
 * packets from peers, and every live permission and channel after a route change.
 */
export class Admission {
  readonly #counters: Pick<TurnCounters, 'ofCluster'>;
  /** Kept, since a peer that sends from several ports in turn asks with every packet. */
  readonly #trafficByCluster = new Map<string, TrafficCounter>();
  #policy: PeerPolicy;

  constructor(policy: PeerPolicy, counters: Pick<TurnCounters, 'ofCluster'>) {
    this.#policy = policy;
    this.#counters = counters;
  }

  /** Swaps the policy; clusters may be counted elsewhere from now on. */
  replacePolicy(policy: PeerPolicy): void {
    this.#policy = policy;
    this.#trafficByCluster.clear();
  }

  /** Judges a peer for an allocation; `port` undefined asks for the IP address alone (RFC 8656 §10.2). */
  judge(allocation: Allocation, peer: TransportAddress, port: number | undefined): PeerVerdict {
    const { listener } = allocation.client.endpoint;
    return this.#policy.admit(listener, allocation.userRoutes, peer, port);
  }

  /** True when data may flow between the permission's peer and the given port; remembers the last port that passed. */
  passes(permission: Permission, port: number): boolean {
    if (permission.admittedPort === port) return true;
    const traffic = this.#trafficOf(permission.allocation, permission.peer, port);
    if (traffic === undefined) return false;
    permission.admittedPort = port;
    permission.traffic = traffic;
    return true;
  }

  /** Traffic of the cluster by which a peer is admitted. */
  trafficOf(allocation: Allocation, peer: TransportAddress, port: number): TrafficCounter {
    return this.#trafficOf(allocation, peer, port) ?? UNCOUNTED;
  }

  #trafficOf(
    allocation: Allocation,
    peer: TransportAddress,
    port: number,
  ): TrafficCounter | undefined {
    const { listener } = allocation.client.endpoint;
    const cluster = this.#policy.clusterOf(listener, allocation.userRoutes, peer, port);
    if (cluster === undefined) return undefined;
    let traffic = this.#trafficByCluster.get(cluster);
    if (traffic === undefined) {
      traffic = this.#counters.ofCluster(cluster);
      this.#trafficByCluster.set(cluster, traffic);
    }
    return traffic;
  }
}
