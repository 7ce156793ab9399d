import type { TransportAddress } from '../../stun/transport-address.ts';
import { ServerEndpoint, type RelayAddress } from '../../turn/allocation.ts';

/** A server transport address for datagrams, with what it takes to answer from it. */
export class DatagramEndpoint extends ServerEndpoint {
  /** Listener socket. */
  readonly fd: number;
  /** Source address to set on replies; undefined when the socket is bound to it anyway. */
  readonly source: TransportAddress | undefined;

  constructor(
    listener: string,
    address: TransportAddress,
    relayAddresses: readonly RelayAddress[],
    fd: number,
    source: TransportAddress | undefined,
  ) {
    super(listener, 'udp', address, relayAddresses);
    this.fd = fd;
    this.source = source;
  }
}
