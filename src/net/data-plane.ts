import type { QuotaLimits } from './shared/quota-table.ts';
import type { RelayAddressPlan } from './relay-address-plan.ts';

/** A listener as a data plane opens it; plain data. */
export interface ListenerPlan {
  readonly name: string;
  readonly protocol: 'udp' | 'tcp';
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
  /** Ends all allocations and closes every socket. */
  stop(): Promise<void>;
}
