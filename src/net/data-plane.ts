import type { TlsSettings } from '../tls/tls-settings.ts';
import type { RelayAddressPlan } from './relay-address-plan.ts';
import type { SessionPage, SessionQuery, SessionTarget } from './session.ts';

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
  readonly answers: SharedArrayBuffer;
  readonly userRates: SharedArrayBuffer;
  readonly heartbeats: SharedArrayBuffer;
  readonly reservations: SharedArrayBuffer;
  /** See `src/metrics`. */
  readonly statistics: SharedArrayBuffer;
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
  readonly policies: Policies;
}

/** How a worker does. */
export interface WorkerHealth {
  /** How long its loop takes, or has taken so far, to come to a question of the main thread, milliseconds. */
  readonly lagMs: number;
  /** How often it had to be started again. */
  readonly restarts: number;
}

/** Moves packets between clients and peers. */
export interface DataPlane<Policies> {
  readonly mode: 'reactor' | 'portable';
  /** Opens every listener; throws GatewayError GW_ERR_LISTEN and leaves nothing open when one cannot be. */
  start(): Promise<void>;
  /** Swaps the given parts of the policies everywhere; live allocations stay. */
  replacePolicies(policies: Partial<Policies>): void;
  /** Swaps certificates and all other TLS settings for handshakes to come; live connections stay. */
  replaceTls(settings: TlsByListener): void;
  /** Swaps what holds for connections to come. */
  replaceLimits(limits: ConnectionLimits): void;
  /**
   * Opens listeners that are new, and lets go of those that are not planned any more.
   *
   * A listener that changes its place is opened there, and the allocations of the old one go on until they end; those
   * of one that is gone by name end at once. What changes otherwise holds for allocations and connections to come.
   *
   * @param tls - settings of every listener that is planned now.
   * @throws GatewayError GW_ERR_LISTEN when one cannot be opened; everything is as before then.
   */
  replaceListeners(listeners: readonly ListenerPlan[], tls: TlsByListener): Promise<void>;
  /** Finds live sessions. */
  sessions(query: SessionQuery): Promise<SessionPage>;
  /** Ends sessions; resolves with how many. */
  endSessions(target: SessionTarget): Promise<number>;
  /** How the workers do, by their number. */
  workers(): readonly WorkerHealth[];
  /** Ends all allocations and closes every socket. */
  stop(): Promise<void>;
}
