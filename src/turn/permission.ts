import type { TransportAddress } from '../stun/transport-address.ts';
import type { Allocation } from './allocation.ts';
import type { Expiring } from './expiry.ts';
import type { MonotonicMs } from './policy.ts';
import { UNCOUNTED, type TrafficCounter } from './traffic.ts';

/** No port has been admitted yet. */
export const NO_PORT = -1;

/** Leave for one peer IP address to exchange data with one allocation (RFC 8656 §9). */
export class Permission implements Expiring {
  readonly allocation: Allocation;
  /** Peer IP address; the port is 0 and plays no part. */
  readonly peer: TransportAddress;
  expiresAtMs: MonotonicMs;
  isGone = false;
  /** Peer port that admission passed last, so that one peer's packets ask only once; `NO_PORT` asks again. */
  admittedPort = NO_PORT;
  /** Traffic of the cluster that admitted `admittedPort`. */
  traffic: TrafficCounter = UNCOUNTED;
  /** True once the denial of a peer port has been reported. */
  isDenialReported = false;

  constructor(allocation: Allocation, peer: TransportAddress, expiresAtMs: MonotonicMs) {
    this.allocation = allocation;
    this.peer = peer.clone();
    this.peer.port = 0;
    this.expiresAtMs = expiresAtMs;
  }
}
