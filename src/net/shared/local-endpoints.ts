import { LOCAL_ADDRESSES_PER_LISTENER_MAX } from '../../limits.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import { AddressTable } from '../../turn/address-table.ts';
import type { ServerEndpoint } from '../../turn/allocation.ts';

/** The endpoints of one listener by the local address that clients reach it at; each is made on first use. */
export class LocalEndpoints<Endpoint extends ServerEndpoint> {
  readonly #endpointByIp = new AddressTable<Endpoint>('ip');
  readonly #create: (local: TransportAddress) => Endpoint;

  /** `create` owns the address that it is given. */
  constructor(create: (local: TransportAddress) => Endpoint) {
    this.#create = create;
  }

  /** Those that have been made. */
  get all(): Endpoint[] {
    return this.#endpointByIp.values();
  }

  /** The endpoint of `local` (borrowed), told apart by IP address; undefined when there are too many already. */
  at(local: TransportAddress): Endpoint | undefined {
    const known = this.#endpointByIp.get(local);
    const isFull = this.#endpointByIp.size >= LOCAL_ADDRESSES_PER_LISTENER_MAX;
    if (known !== undefined || isFull) return known;
    const endpoint = this.#create(local.clone());
    this.#endpointByIp.set(endpoint.address, endpoint);
    return endpoint;
  }
}
