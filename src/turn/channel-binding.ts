import type { TransportAddress } from '../stun/transport-address.ts';
import type { Allocation, Relay } from './allocation.ts';
import type { Expiring } from './expiry.ts';
import type { MonotonicMs } from './policy.ts';
import type { TrafficCounter } from './traffic.ts';

/** A channel number bound to one peer transport address in one allocation (RFC 8656 §12). */
export class ChannelBinding implements Expiring {
  readonly allocation: Allocation;
  /** Relay of the peer's address family. */
  readonly relay: Relay;
  readonly channelNumber: number;
  readonly peer: TransportAddress;
  /** Traffic of the cluster that admits the peer. */
  traffic: TrafficCounter;
  expiresAtMs: MonotonicMs;
  isGone = false;

  constructor(
    relay: Relay,
    channelNumber: number,
    peer: TransportAddress,
    traffic: TrafficCounter,
    expiresAtMs: MonotonicMs,
  ) {
    this.allocation = relay.allocation;
    this.relay = relay;
    this.channelNumber = channelNumber;
    this.peer = peer.clone();
    this.traffic = traffic;
    this.expiresAtMs = expiresAtMs;
  }
}
