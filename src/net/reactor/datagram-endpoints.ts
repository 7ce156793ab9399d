import type { TransportAddress } from '../../stun/transport-address.ts';
import type { ListenerPlan } from '../data-plane.ts';
import { relayAddressesFor } from '../relay-address-plan.ts';
import { LocalEndpoints } from '../shared/local-endpoints.ts';
import { DatagramEndpoint } from './datagram-endpoint.ts';
import type { ListenerSocket } from './listener-socket.ts';

/** The endpoints of one listener socket for datagrams, and one transport. */
export class DatagramEndpoints {
  /** That of the address which the socket is bound to; for a socket bound to all addresses there is one for each. */
  readonly bound: DatagramEndpoint;
  readonly #byAddress: LocalEndpoints<DatagramEndpoint>;
  #plan: ListenerPlan;
  #isOpen = true;

  constructor(socket: ListenerSocket, transport: 'udp' | 'dtls') {
    const create = (
      local: TransportAddress,
      source: TransportAddress | undefined,
    ): DatagramEndpoint => {
      const endpoint = new DatagramEndpoint(
        { fd: socket.fd, plan: this.#plan },
        transport,
        local,
        source,
      );
      endpoint.isOpen = this.#isOpen;
      return endpoint;
    };
    this.#plan = socket.plan;
    this.bound = create(socket.address, undefined);
    this.#byAddress = new LocalEndpoints((local) => create(local, local));
  }

  /** The endpoint of a local address (borrowed); undefined when there are too many. */
  at(local: TransportAddress): DatagramEndpoint | undefined {
    return this.#byAddress.at(local);
  }

  /** True when nobody has an allocation or an association. */
  get isIdle(): boolean {
    return this.#all.every(({ allocationByClient, associationByClient }) => {
      return allocationByClient.size === 0 && associationByClient.size === 0;
    });
  }

  /** Takes allocations to come, with the relay addresses of a plan. */
  open(plan: ListenerPlan): void {
    this.#plan = plan;
    this.#isOpen = true;
    for (const endpoint of this.#all) {
      endpoint.isOpen = true;
      endpoint.relayAddresses = relayAddressesFor(plan.relayAddresses, endpoint.address);
    }
  }

  /** Serves only what lives from now on. */
  retire(): void {
    this.#isOpen = false;
    for (const endpoint of this.#all) endpoint.isOpen = false;
  }

  get #all(): DatagramEndpoint[] {
    return [this.bound, ...this.#byAddress.all];
  }
}
