import { createCredentialPolicy } from '../../../src/auth/credential-policy.ts';
import type { AuthOptions } from '../../../src/auth/auth-options.ts';
import { RouteTable, type RouteTableData } from '../../../src/route/route-table.ts';
import { IPV4, TransportAddress } from '../../../src/stun/transport-address.ts';
import {
  Client,
  ServerEndpoint,
  type Relay,
  type RelayAddress,
} from '../../../src/turn/allocation.ts';
import { ChannelBinding } from '../../../src/turn/channel-binding.ts';
import type { TurnCommand, TurnEvent } from '../../../src/turn/commands.ts';
import type { Permission } from '../../../src/turn/permission.ts';
import type { MonotonicMs, Now, UnixSeconds } from '../../../src/turn/policy.ts';
import {
  CHANNELS_PER_ALLOCATION_MAX_DEFAULT,
  PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT,
} from '../../../src/limits.ts';
import type { TurnPolicies, TurnRules, TurnServerOptions } from '../../../src/turn/turn-context.ts';
import { TurnServer } from '../../../src/turn/turn-server.ts';
import {
  MemoryCounters,
  MemoryQuota,
  MemoryRates,
  MemoryReservations,
  ScriptedRandom,
} from './memory-policies.ts';
import { SeededRandom } from './seeded-random.ts';

/** Listener name of every endpoint of a driver. */
export const LISTENER = 'test';
/** Realm of every driver. */
export const REALM = 'example.org';
/** First port of the default relay range, which has 64. */
export const MIN_PORT = 50_000;
/** Ports above the relay range that another range may take in. */
export const SPARE_PORTS = 64;
/** No limit. */
export const UNLIMITED = { bytesPerSecond: 0, packetsPerSecond: 0 };

/** Users of every driver, unless others are given. */
export const USERS = [
  { username: 'alice', password: 'wonderland' },
  { username: 'bob', password: 'builder' },
  { username: 'carol', password: 'singer', routes: ['other'] },
];

/** Routes of every driver, unless others are given: 10.0/16, fd00::/16, ports 4000 to 4999 of 10.2/16, and 10.1.0/24. */
export const ROUTES: RouteTableData = {
  listeners: [{ name: LISTENER, routes: ['media', 'narrow', 'other'] }],
  clusters: [
    cluster('media', ['10.0.0.0', 16], ['fd00::', 16]),
    cluster('narrow', ['10.2.0.0', 16, 4000, 4999]),
    cluster('other', ['10.1.0.0', 24]),
  ],
  own: [{ address: '10.0.9.9', ports: [[3478, 3478]] }],
};

/** A cluster of address ranges: address, prefix length and, if not all, the ports. */
export function cluster(
  name: string,
  ...ranges: [address: string, prefixLength: number, minPort?: number, maxPort?: number][]
): RouteTableData['clusters'][number] {
  const endpoints = ranges.map(([address, prefixLength, minPort = 1, maxPort = 65_535]) => ({
    address,
    prefixLength,
    minPort,
    maxPort,
  }));
  return { name, protocol: 'udp', endpoints, dangerouslyAllow: [] };
}

/** How a driver deals with `bindRelay`: at once, when told to, or not at all. */
export type BindingMode = 'synchronous' | 'delayed' | 'portTaken' | 'failing';

/** What a driver is made of, where it differs from the usual. */
export interface DriverOptions {
  readonly seed?: number;
  readonly auth?: Partial<AuthOptions>;
  readonly routes?: RouteTableData;
  readonly families?: readonly ('IPv4' | 'IPv6')[];
  readonly portCount?: number;
  readonly minPort?: number;
  readonly rules?: Partial<TurnRules>;
  readonly server?: Partial<TurnServerOptions>;
}

/** What came out of one message from a client. */
export interface Received {
  /** Messages sent to that client. */
  readonly answers: Uint8Array[];
  /** Data to be sent to a peer. */
  readonly relayed:
    | {
        readonly under: ChannelBinding | Permission;
        readonly relay: Relay;
        readonly peer: string;
        readonly payload: Uint8Array;
        readonly dontFragment: boolean;
      }
    | undefined;
}

/** A TURN server with a driver that has no sockets: time is a number and every socket is an entry in a map. */
export class TurnDriver {
  readonly server: TurnServer;
  readonly quota = new MemoryQuota();
  readonly rates = new MemoryRates();
  readonly counters = new MemoryCounters();
  readonly reservations = new MemoryReservations();
  readonly random: ScriptedRandom;
  readonly owners: { readonly v4: Uint8Array; readonly v6: Uint8Array };
  readonly udp: ServerEndpoint;
  readonly tcp: ServerEndpoint;
  /** Open relay and reserved sockets by handle. */
  readonly sockets = new Map<number, string>();
  readonly events: TurnEvent[] = [];
  /** Everything sent to clients, in order. */
  readonly sent: { readonly client: string; readonly bytes: Uint8Array }[] = [];
  /** What went over the wire: packets and bytes, padding of Data indications apart. */
  readonly wire = {
    fromClients: { packets: 0, bytes: 0 },
    toClients: { packets: 0, bytes: 0 },
    fromPeers: { packets: 0, bytes: 0 },
    toPeers: { packets: 0, bytes: 0 },
  };
  /** Channels announced up and not yet down. */
  readonly channels = new Set<ChannelBinding>();
  /** Relays that wait for their socket in delayed mode. */
  readonly waiting: { readonly relay: Relay; readonly reservesNext: boolean }[] = [];
  binding: BindingMode = 'synchronous';
  adopting: BindingMode = 'synchronous';
  bindCount = 0;
  nowMs = 1_000_000;
  unixSeconds = 1_800_000_000;
  rules: TurnRules;
  /** When rules changed last; with them, the end of an allocation may come to lie in the past. */
  rulesChangedAtMs = -Infinity;
  #nextHandle = 3;

  constructor(options: DriverOptions = {}) {
    const { portCount = 64, minPort = MIN_PORT, families = ['IPv4', 'IPv6'] } = options;
    const relays = relayAddresses(families);
    this.random = new ScriptedRandom(new SeededRandom(options.seed ?? 1));
    const ports = portCount + SPARE_PORTS;
    this.owners = { v4: new Uint8Array(ports), v6: new Uint8Array(ports) };
    this.rules = { ...usualRules(minPort, portCount), ...options.rules };
    this.udp = new ServerEndpoint(LISTENER, 'udp', parseAddress('192.0.2.1', 3478), relays);
    this.tcp = new ServerEndpoint(LISTENER, 'tcp', parseAddress('192.0.2.1', 3478), relays);
    this.server = new TurnServer({
      policies: {
        credentials: createCredentialPolicy(authOptions(options.auth)),
        peers: new RouteTable(options.routes ?? ROUTES),
        rules: this.rules,
      },
      quota: this.quota,
      rates: this.rates,
      counters: this.counters,
      reservations: this.reservations,
      random: this.random,
      nonceKey: new Uint8Array(32).fill(7),
      portOwners: { firstPort: minPort, ipv4: this.owners.v4, ipv6: this.owners.v6, owner: 1 },
      isDontFragmentSupported: true,
      ...options.server,
    });
  }

  get now(): Now {
    return {
      monotonicMs: this.nowMs as MonotonicMs,
      unixSeconds: this.unixSeconds as UnixSeconds,
    };
  }

  /** Inputs that were dropped in silence, by reason. */
  get drops(): MemoryCounters['drops'] {
    return this.counters.drops;
  }

  /** Ports that some allocation or reservation holds. */
  get portsTaken(): number {
    return [...this.owners.v4, ...this.owners.v6].filter((owner) => owner !== 0).length;
  }

  /** Hands in one message from a datagram or stream client. */
  receive(client: Client, bytes: Uint8Array): Received {
    tally(this.wire.fromClients, bytes.length);
    const under =
      client.handle < 0
        ? this.server.handleClientDatagram(
            client.endpoint,
            client.address,
            bytes,
            0,
            bytes.length,
            this.now,
          )
        : this.server.handleClientMessage(client, bytes, 0, bytes.length, this.now);
    return { relayed: this.#relayed(under, bytes), answers: this.drain(client.address.toString()) };
  }

  /** Swaps policies. */
  replace(policies: Partial<TurnPolicies>): void {
    this.server.replacePolicies(policies, this.now);
    this.drain();
  }

  /** Changes some of the rules. */
  changeRules(changes: Partial<TurnRules>): void {
    this.rules = { ...this.rules, ...changes };
    this.rulesChangedAtMs = this.nowMs;
    this.replace({ rules: this.rules });
  }

  /** Hands in a datagram from a peer and says how it reaches the client. */
  peerSends(
    relay: Relay,
    ip: string,
    port: number,
    length = 100,
  ): ChannelBinding | Permission | undefined {
    const peer = parseAddress(ip, port);
    const under = this.server.handlePeerDatagram(relay, peer, length, this.now);
    if (under !== undefined) {
      const indicationBytes = peer.family === IPV4 ? 36 : 48;
      tally(this.wire.fromPeers, length);
      tally(this.wire.toClients, length + (under instanceof ChannelBinding ? 4 : indicationBytes));
    }
    this.drain();
    return under;
  }

  /** Lets time pass as a driver's loop would, waking up whenever the server wants to. */
  advance(seconds: number): void {
    const until = this.nowMs + seconds * 1000;
    for (
      let due = this.server.pollTimeout();
      due !== undefined && due <= until;
      due = this.server.pollTimeout()
    ) {
      this.#setTime(Math.max(due, this.nowMs));
      this.server.handleTimeout(this.now);
      this.drain();
    }
    this.#setTime(until);
  }

  /** Binds the relays that wait, in delayed mode; returns what was sent meanwhile. */
  bindWaiting(isBound: (relay: Relay) => boolean = () => true): Uint8Array[] {
    const before = this.sent.length;
    for (const { relay, reservesNext } of this.waiting.splice(0)) {
      if (isBound(relay)) this.#bind(relay, reservesNext);
      else this.server.handleRelayFailed(relay, false, this.now);
      this.drain();
    }
    return this.sent.slice(before).map(({ bytes }) => bytes);
  }

  /** Carries out all commands; returns what was sent to one client. */
  drain(client?: string): Uint8Array[] {
    const before = this.sent.length;
    for (let command = this.server.nextCommand(); command; command = this.server.nextCommand()) {
      this.#execute(command);
    }
    return this.sent
      .slice(before)
      .filter((message) => message.client === client)
      .map(({ bytes }) => bytes);
  }

  /** Forgets what was recorded, for long runs. */
  forget(): void {
    this.sent.length = 0;
    this.events.length = 0;
  }

  #setTime(ms: number): void {
    this.unixSeconds += (ms - this.nowMs) / 1000;
    this.nowMs = ms;
  }

  #relayed(under: ChannelBinding | Permission | undefined, bytes: Uint8Array): Received['relayed'] {
    if (under === undefined) return undefined;
    const { relay, peer, payloadOffset, payloadLength, dontFragment } = this.server.relayed;
    if (payloadOffset + payloadLength > bytes.length)
      throw new Error('payload outside the message');
    tally(this.wire.toPeers, payloadLength);
    const payload = bytes.slice(payloadOffset, payloadOffset + payloadLength);
    return { under, relay: relay!, peer: peer.toString(), payload, dontFragment };
  }

  #execute(command: TurnCommand): void {
    switch (command.kind) {
      case 'sendToClient':
        tally(this.wire.toClients, command.bytes.length);
        this.sent.push({ client: command.client.address.toString(), bytes: command.bytes });
        break;
      case 'bindRelay':
        this.bindCount++;
        this.#startBinding(command.relay, command.reservesNext);
        break;
      case 'adoptRelay':
        if (this.adopting === 'synchronous') {
          this.server.handleRelayBound(command.relay, command.handle, undefined, this.now);
        } else {
          this.#close(command.handle);
          this.server.handleRelayFailed(command.relay, this.adopting === 'portTaken', this.now);
        }
        break;
      case 'closeRelay':
        this.#close(command.relay.handle);
        break;
      case 'closeReserved':
        this.#close(command.handle);
        break;
      case 'channelUp':
        this.channels.add(command.binding);
        break;
      case 'channelDown':
        if (!this.channels.delete(command.binding)) throw new Error('a channel that never was up');
        break;
      case 'event':
        this.events.push(command.event);
        break;
    }
  }

  #startBinding(relay: Relay, reservesNext: boolean): void {
    if (this.binding === 'synchronous') this.#bind(relay, reservesNext);
    else if (this.binding === 'delayed') this.waiting.push({ relay, reservesNext });
    else this.server.handleRelayFailed(relay, this.binding === 'portTaken', this.now);
  }

  #bind(relay: Relay, reservesNext: boolean): void {
    const handle = this.#open(relay, 0);
    const nextHandle = reservesNext ? this.#open(relay, 1) : undefined;
    this.server.handleRelayBound(relay, handle, nextHandle, this.now);
  }

  #open(relay: Relay, step: number): number {
    const handle = this.#nextHandle++;
    const name = `${relay.bindAddress.ip()} ${relay.port + step}`;
    if ([...this.sockets.values()].includes(name)) throw new Error(`${name} bound twice`);
    this.sockets.set(handle, name);
    return handle;
  }

  #close(handle: number): void {
    if (!this.sockets.delete(handle)) throw new Error(`socket ${handle} closed twice`);
  }
}

/** Parses an address that is known to be one. */
export function parseAddress(ip: string, port: number): TransportAddress {
  const address = TransportAddress.parse(ip, port);
  if (address === undefined) throw new Error(`${ip} is no address`);
  return address;
}

/** What a driver authenticates with, where it differs from the usual. */
export function authOptions(changes: Partial<AuthOptions> = {}): AuthOptions {
  return {
    type: 'static',
    realm: REALM,
    users: USERS,
    secrets: [],
    maxTtlSeconds: 86_400,
    algorithms: ['SHA-256', 'MD5'],
    ...changes,
  };
}

function tally(total: { packets: number; bytes: number }, bytes: number): void {
  total.packets++;
  total.bytes += bytes;
}

function usualRules(minPort: number, portCount: number): TurnRules {
  return {
    relayPorts: { minPort, maxPort: minPort + portCount - 1 },
    strictChannelNumbers: false,
    onCredentialExpiry: 'refuse',
    permissionsPerAllocationMax: PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT,
    channelsPerAllocationMax: CHANNELS_PER_ALLOCATION_MAX_DEFAULT,
    allocationRate: UNLIMITED,
    degradedRate: undefined,
    isDraining: false,
    alternateServers: [],
  };
}

function relayAddresses(families: readonly ('IPv4' | 'IPv6')[]): RelayAddress[] {
  return families.map((family) =>
    family === 'IPv4'
      ? { bind: parseAddress('172.16.0.5', 0), advertise: parseAddress('203.0.113.7', 0) }
      : { bind: parseAddress('fd99::5', 0), advertise: parseAddress('2001:db8::7', 0) },
  );
}
