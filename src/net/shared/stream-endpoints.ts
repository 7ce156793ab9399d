import type { TransportAddress } from '../../stun/transport-address.ts';
import { ServerEndpoint } from '../../turn/allocation.ts';
import type { ListenerPlan } from '../data-plane.ts';
import { relayAddressesFor } from '../relay-address-plan.ts';
import { LocalEndpoints } from './local-endpoints.ts';

/** Where the clients of one stream listener are: over TLS, and without where it takes both. */
export class StreamEndpoints {
  #plan: ListenerPlan;
  readonly #endpoints: LocalEndpoints<ServerEndpoint>;
  readonly #plainEndpoints: LocalEndpoints<ServerEndpoint>;

  constructor(plan: ListenerPlan) {
    this.#plan = plan;
    this.#plainEndpoints = this.#endpointsOf('tcp');
    this.#endpoints = plan.protocol === 'tls' ? this.#endpointsOf('tls') : this.#plainEndpoints;
  }

  /** Where clients are that reach the listener at `local` (borrowed); undefined when there are too many of these. */
  at(local: TransportAddress): ServerEndpoint | undefined {
    return this.#endpoints.at(local);
  }

  /** The same place for a client that turned out to speak without TLS. */
  plainAt(endpoint: ServerEndpoint): ServerEndpoint {
    return this.#plainEndpoints.at(endpoint.address) ?? endpoint;
  }

  /** True when an endpoint is one of these. */
  has(endpoint: ServerEndpoint): boolean {
    return this.#all.includes(endpoint);
  }

  /** Takes another plan for the same place: its relay addresses are those of allocations to come. */
  update(plan: ListenerPlan): void {
    this.#plan = plan;
    for (const endpoint of this.#all) {
      endpoint.relayAddresses = relayAddressesFor(plan.relayAddresses, endpoint.address);
    }
  }

  get #all(): ServerEndpoint[] {
    return [...this.#endpoints.all, ...this.#plainEndpoints.all];
  }

  #endpointsOf(transport: 'tcp' | 'tls'): LocalEndpoints<ServerEndpoint> {
    return new LocalEndpoints((local) => {
      const { name, relayAddresses } = this.#plan;
      return new ServerEndpoint(name, transport, local, relayAddressesFor(relayAddresses, local));
    });
  }
}
