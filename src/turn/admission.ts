import type { TransportAddress } from '../stun/transport-address.ts';
import type { Allocation } from './allocation.ts';
import type { Permission } from './permission.ts';
import type { PeerPolicy, PeerVerdict } from './policy.ts';

/**
 * The one door through which every peer address passes before data may flow: CreatePermission, ChannelBind, Send,
 * packets from peers, and every live permission and channel after a route change.
 */
export class Admission {
  policy: PeerPolicy;

  constructor(policy: PeerPolicy) {
    this.policy = policy;
  }

  /** Judges a peer for an allocation; `port` undefined asks for the IP address alone (RFC 8656 §10.2). */
  judge(allocation: Allocation, peer: TransportAddress, port: number | undefined): PeerVerdict {
    return this.policy.admit(
      allocation.client.endpoint.listener,
      allocation.userRoutes,
      peer,
      port,
    );
  }

  /** True when data may flow between the permission's peer and the given port; remembers the last port that passed. */
  passes(permission: Permission, port: number): boolean {
    if (permission.admittedPort === port) return true;
    if (this.judge(permission.allocation, permission.peer, port) !== 'admitted') return false;
    permission.admittedPort = port;
    return true;
  }
}
