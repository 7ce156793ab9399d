import type { TransportAddress } from '../../stun/transport-address.ts';
import { ServerEndpoint } from '../../turn/allocation.ts';
import { relayAddressesFor } from '../relay-address-plan.ts';
import type { ListenerSocket } from './listener-socket.ts';

/** A server transport address for datagrams, with what it takes to answer from it. */
export class DatagramEndpoint extends ServerEndpoint {
  /** Listener socket. */
  readonly fd: number;
  /** Source address to set on replies; undefined when the socket is bound to it anyway. */
  readonly source: TransportAddress | undefined;

  constructor(
    { fd, listener, relayAddresses }: ListenerSocket,
    address: TransportAddress,
    source: TransportAddress | undefined,
  ) {
    super(listener, 'udp', address, relayAddressesFor(relayAddresses, address));
    this.fd = fd;
    this.source = source;
  }
}
