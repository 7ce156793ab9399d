import type { TransportAddress } from '../../stun/transport-address.ts';
import type { RelayAddressPlan } from '../relay-address-plan.ts';

/** What a listener socket is opened with. */
export interface ListenerSocket {
  readonly fd: number;
  readonly listener: string;
  /** The address it is bound to. */
  readonly address: TransportAddress;
  /** Bound to all addresses of its family. */
  readonly isWildcard: boolean;
  readonly relayAddresses: RelayAddressPlan;
}
