import type { TlsSettings } from '../tls/tls-settings.ts';
import type { RelayAddressPlan } from './relay-address-plan.ts';
import type { QuotaLimits } from './shared/quota-table.ts';

/** Who may tell a listener the address of its client by the PROXY protocol. */
export interface ProxyPlan {
  readonly mode: 'off' | 'optional' | 'required';
  /** Address ranges of the load balancers. */
  readonly trusted: readonly { readonly address: string; readonly prefixLength: number }[];
}

/** A listener as a data plane opens it; plain data. */
export interface ListenerPlan {
  readonly name: string;
  /** What travels on the socket: tcp also where a load balancer in front ends TLS. */
  readonly protocol: 'udp' | 'tcp' | 'tls' | 'dtls';
  /** Serves plain TCP next to TLS, or plain UDP next to DTLS, told apart by the first byte. */
  readonly alsoPlain: boolean;
  /** For streams. */
  readonly proxy: ProxyPlan;
  /** IP address to listen on; undefined means all addresses of both families. */
  readonly bind: string | undefined;
  readonly port: number;
  readonly relayAddresses: RelayAddressPlan;
}

/** Memory that all workers of a process share, see the classes that read it. */
export interface SharedMemory {
  readonly quota: SharedArrayBuffer;
  readonly reservations: SharedArrayBuffer;
  readonly descriptors: SharedArrayBuffer;
  /** One byte per relay port and family, see `RelayPorts`. */
  readonly portOwnersIpv4: SharedArrayBuffer;
  readonly portOwnersIpv6: SharedArrayBuffer;
}

/** How many connections and handshakes a data plane takes. */
export interface ConnectionLimits {
  /** Of one client address, per worker. */
  readonly connectionsPerAddressMax: number;
  /** Over all workers. */
  readonly handshakesPerSecond: number;
  /** Of one client address, per worker. */
  readonly handshakesPerSecondPerAddress: number;
}

/** TLS settings by listener name; every listener with the protocol tls or dtls has some. */
export type TlsByListener = ReadonlyMap<string, TlsSettings>;

/** What the TURN core of one worker is made from; plain data. */
export interface CoreSetup<Policies> {
  /** Counts from 0. */
  readonly worker: number;
  readonly memory: SharedMemory;
  readonly nonceKey: Uint8Array;
  readonly relayPorts: { readonly minPort: number; readonly maxPort: number };
  readonly quota: QuotaLimits;
  readonly strictChannelNumbers: boolean;
  readonly policies: Policies;
}

/** Moves packets between clients and peers. */
export interface DataPlane<Policies> {
  readonly mode: 'reactor' | 'portable';
  /** Opens every listener; throws GatewayError GW_ERR_LISTEN and leaves nothing open when one cannot be. */
  start(): Promise<void>;
  /** Swaps credentials and routes everywhere; live allocations stay. */
  replacePolicies(policies: Policies): void;
  /** Swaps certificates and all other TLS settings for handshakes to come; live connections stay. */
  replaceTls(settings: TlsByListener): void;
  /** Ends all allocations and closes every socket. */
  stop(): Promise<void>;
}
