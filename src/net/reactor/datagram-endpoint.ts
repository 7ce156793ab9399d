import type { TransportAddress } from '../../stun/transport-address.ts';
import { AddressTable } from '../../turn/address-table.ts';
import { ServerEndpoint } from '../../turn/allocation.ts';
import { relayAddressesFor } from '../relay-address-plan.ts';
import type { DtlsAssociation } from './dtls-association.ts';
import type { ListenerSocket } from './listener-socket.ts';

/** A server transport address for datagrams, with what it takes to answer from it. */
export class DatagramEndpoint extends ServerEndpoint {
  /** Listener socket. */
  readonly fd: number;
  /** Source address to set on replies; undefined when the socket is bound to it anyway. */
  readonly source: TransportAddress | undefined;
  /** For clients that speak DTLS. */
  readonly associationByClient = new AddressTable<DtlsAssociation>('ipAndPort');

  constructor(
    { fd, plan }: Pick<ListenerSocket, 'fd' | 'plan'>,
    transport: 'udp' | 'dtls',
    address: TransportAddress,
    source: TransportAddress | undefined,
  ) {
    super(plan.name, transport, address, relayAddressesFor(plan.relayAddresses, address));
    this.fd = fd;
    this.source = source;
  }
}
