import type { AddressFamily, TransportAddress } from '../stun/transport-address.ts';
import { AddressTable } from './address-table.ts';
import type { ChannelBinding } from './channel-binding.ts';
import type { Expiring } from './expiry.ts';
import type { VerifiedIdentity } from './identity.ts';
import type { Permission } from './permission.ts';
import { after } from './lifetime.ts';
import type { MonotonicMs, Now, UnixSeconds, UserMeter } from './policy.ts';
import { RateMeter, type Rate } from './rate-meter.ts';
import type { PendingAllocate } from './relay-binding.ts';
import { TrafficCounter } from './traffic.ts';

/** Transport between client and server (RFC 8656 §3.1). */
export type ClientTransport = 'udp' | 'tcp' | 'tls' | 'dtls';

/** Where relayed transport addresses of one family are opened, and what clients are told. */
export interface RelayAddress {
  /** Local IP address to bind to; the port is ignored. */
  readonly bind: TransportAddress;
  /** IP address in XOR-RELAYED-ADDRESS; the port is ignored. */
  readonly advertise: TransportAddress;
}

/** The server side of 5-tuples: one transport address of a listener, with the allocations made over it. */
export class ServerEndpoint {
  /** Listener name, for policy and events. */
  readonly listener: string;
  readonly transport: ClientTransport;
  /** True when messages travel on streams. */
  readonly isStream: boolean;
  /** The server transport address that clients sent to; replies leave from it. */
  readonly address: TransportAddress;
  /** At most one per address family; those of allocations to come. */
  relayAddresses: readonly RelayAddress[];
  /** False once allocations that are there may go on, but new ones must be made elsewhere. */
  isOpen = true;
  /** Set by the server once clients have come. */
  traffic: TrafficCounter | undefined;
  /** Allocations of datagram clients; a stream client is found through its connection. */
  readonly allocationByClient = new AddressTable<Allocation>('ipAndPort');

  constructor(
    listener: string,
    transport: ClientTransport,
    address: TransportAddress,
    relayAddresses: readonly RelayAddress[],
  ) {
    this.listener = listener;
    this.transport = transport;
    this.isStream = transport === 'tcp' || transport === 'tls';
    this.address = address;
    this.relayAddresses = relayAddresses;
  }

  /** The relay address of a family, or undefined when the listener relays no such addresses. */
  relayAddressOf(family: AddressFamily): RelayAddress | undefined {
    return this.relayAddresses.find((relay) => relay.bind.family === family);
  }
}

/** The client side of a 5-tuple (RFC 8656 §3.2). */
export class Client {
  endpoint: ServerEndpoint;
  address: TransportAddress;
  allocation: Allocation | undefined;
  /** Set by the driver when the client has shown a certificate that stands for somebody. */
  identity: VerifiedIdentity | undefined;
  /** The driver's own name for a connection or association; -1 for bare datagrams. */
  readonly handle: number;

  constructor(endpoint: ServerEndpoint, address: TransportAddress, handle = -1) {
    this.endpoint = endpoint;
    this.address = address;
    this.handle = handle;
  }

  /** True when the driver keeps a connection or association for the client. */
  get isConnected(): boolean {
    return this.handle >= 0;
  }

  /** True when messages travel on a stream. */
  get isStream(): boolean {
    return this.endpoint.isStream;
  }
}

/** A relayed transport address of an allocation: one per address family. */
export class Relay {
  readonly allocation: Allocation;
  /** What clients and peers see, port included. */
  readonly relayedAddress: TransportAddress;
  /** Local address to bind to, port included. */
  readonly bindAddress: TransportAddress;
  /** The driver's name for the bound socket; -1 until it is bound. */
  handle = -1;

  constructor(allocation: Allocation, address: RelayAddress, port: number) {
    this.allocation = allocation;
    this.relayedAddress = address.advertise.clone();
    this.bindAddress = address.bind.clone();
    this.port = port;
  }

  get family(): AddressFamily {
    return this.bindAddress.family;
  }

  get port(): number {
    return this.bindAddress.port;
  }

  set port(port: number) {
    this.relayedAddress.port = port;
    this.bindAddress.port = port;
  }
}

/** `binding` until every relay socket is open and the Allocate request is answered. */
export type AllocationState = 'binding' | 'active' | 'gone';

/** What the server remembers of one successful Allocate request (RFC 8656 §3.2). */
export class Allocation implements Expiring {
  readonly client: Client;
  /** Names the allocation to operators: 16 hex digits that nobody can guess. */
  readonly id: string;
  /** Owner; only requests of the same user id may use the allocation (RFC 8656 §5, 441). */
  readonly userId: string;
  /** User id of the credential by which it lives, which differs from the owner's where a certificate names that. */
  credentialUserId: string;
  /** Clusters the owner is confined to, or undefined. */
  readonly userRoutes: readonly string[] | undefined;
  /** Transaction id of the Allocate request, to recognise its retransmissions. */
  readonly transactionId: Uint8Array;
  readonly relays: Relay[] = [];
  readonly permissionByPeer = new AddressTable<Permission>('ip');
  readonly channelByPeer = new AddressTable<ChannelBinding>('ipAndPort');
  readonly channelByNumber = new Map<number, ChannelBinding>();
  /** Lifetime that the Allocate request was granted, seconds. */
  readonly lifetimeSeconds: number;
  readonly createdAtUnixSeconds: UnixSeconds;
  readonly createdAtMs: MonotonicMs;
  /** What the client has sent to peers and received from them. */
  readonly traffic = new TrafficCounter();
  /** True when it was granted beyond the quota of its user. */
  readonly isDegraded: boolean;
  readonly meterUp: RateMeter;
  readonly meterDown: RateMeter;
  readonly userMeter: UserMeter;
  /** Last second in which the newest credential that its owner has shown is valid; Infinity for static users. */
  credentialExpiresAtUnixSeconds: UnixSeconds;
  /** When it has to be refreshed. */
  lifetimeEndsAtMs: MonotonicMs;
  /** When it ends with its credential; Infinity where it does not. */
  credentialEndsAtMs = Infinity as MonotonicMs;
  state: AllocationState = 'binding';
  /** The Allocate request that is still to be answered, while the state is `binding`. */
  pending: PendingAllocate | undefined;
  /** Hex token when the next higher port is reserved (RFC 8656 §7.2). */
  reservationToken: string | undefined;
  /** Family that could not be served, with its error code (ADDRESS-ERROR-CODE, RFC 8656 §18.12). */
  addressError: { readonly family: AddressFamily; readonly code: 440 | 508 } | undefined;

  constructor(init: {
    client: Client;
    userId: string;
    /** The owner's unless given. */
    credentialUserId?: string | undefined;
    userRoutes: readonly string[] | undefined;
    transactionId: Uint8Array;
    lifetimeSeconds: number;
    isDegraded: boolean;
    rate: Rate;
    userMeter: UserMeter;
    credentialExpiresAtUnixSeconds: UnixSeconds;
    id: string;
    now: Now;
  }) {
    const { monotonicMs, unixSeconds } = init.now;
    this.id = init.id;
    this.createdAtMs = monotonicMs;
    this.createdAtUnixSeconds = unixSeconds;
    this.isDegraded = init.isDegraded;
    this.meterUp = new RateMeter(init.rate, monotonicMs);
    this.meterDown = new RateMeter(init.rate, monotonicMs);
    this.userMeter = init.userMeter;
    this.credentialExpiresAtUnixSeconds = init.credentialExpiresAtUnixSeconds;
    this.client = init.client;
    this.userId = init.userId;
    this.credentialUserId = init.credentialUserId ?? init.userId;
    this.userRoutes = init.userRoutes;
    this.transactionId = init.transactionId;
    this.lifetimeSeconds = init.lifetimeSeconds;
    this.lifetimeEndsAtMs = after(monotonicMs, init.lifetimeSeconds);
  }

  /** When it ends unless something happens before. */
  get expiresAtMs(): MonotonicMs {
    return Math.min(this.lifetimeEndsAtMs, this.credentialEndsAtMs) as MonotonicMs;
  }

  get isGone(): boolean {
    return this.state === 'gone';
  }

  /** True when the user owns it, or has shown the credential by which it lives. */
  isOf(userId: string): boolean {
    return this.userId === userId || this.credentialUserId === userId;
  }

  /** The relay of a family, or undefined. */
  relayOf(family: AddressFamily): Relay | undefined {
    for (const relay of this.relays) if (relay.family === family) return relay;
    return undefined;
  }
}
