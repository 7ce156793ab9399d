import type { TransportAddress } from '../../stun/transport-address.ts';
import type { ListenerPlan } from '../data-plane.ts';

/** An open listener socket. */
export interface ListenerSocket {
  readonly plan: ListenerPlan;
  readonly fd: number;
  /** Second socket in the same place, for datagrams that do not carry data; see `steerDatagrams`. */
  readonly strangersFd: number | undefined;
  /** The address it is bound to. */
  readonly address: TransportAddress;
  /** Bound to all addresses of its family. */
  readonly isWildcard: boolean;
}
