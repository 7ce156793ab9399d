import { LOCAL_ADDRESSES_PER_LISTENER_MAX } from '../../limits.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import { AddressTable } from '../../turn/address-table.ts';
import { relayAddressesFor, type RelayAddressPlan } from '../relay-address-plan.ts';
import { DatagramEndpoint } from './datagram-endpoint.ts';
import { UPSTREAM_SLOTS } from './packet-memory.ts';
import type { PollHandler, Reactor } from './reactor.ts';

/** Batches taken from one listener before others have their turn. */
const BATCHES_MAX = 4;

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

/** A UDP listener socket: hands datagrams of clients to the core and what is to be relayed to the upstream queue. */
export class UdpListener implements PollHandler {
  readonly #reactor: Reactor;
  readonly #socket: ListenerSocket;
  readonly #endpoint: DatagramEndpoint | undefined;
  readonly #endpointByLocalAddress = new AddressTable<DatagramEndpoint>('ip');

  constructor(reactor: Reactor, socket: ListenerSocket) {
    this.#reactor = reactor;
    this.#socket = socket;
    this.#endpoint = socket.isWildcard
      ? undefined
      : this.#createEndpoint(socket.address, undefined);
  }

  onReady(): void {
    const { memory, upstreamQueue } = this.#reactor;
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const count = memory.upstream.receive(this.#socket.fd, 0, UPSTREAM_SLOTS);
      for (let slot = 0; slot < count; slot++) this.#handleSlot(slot);
      upstreamQueue.flush();
      if (count < UPSTREAM_SLOTS) return;
    }
  }

  #handleSlot(slot: number): void {
    const reactor = this.#reactor;
    const { upstream, arena } = reactor.memory;
    if (upstream.isTruncated(slot) || !upstream.readAddress(slot, CLIENT)) return;
    const endpoint = this.#endpoint ?? this.#endpointOf(slot);
    if (endpoint === undefined) return;
    const { server, now } = reactor;
    const offset = upstream.payloadOffset(slot);
    const under = server.handleClientDatagram(
      endpoint,
      CLIENT,
      arena.bytes,
      offset,
      upstream.length(slot),
      now,
    );
    if (under === undefined) reactor.drainCommands();
    else reactor.relayUp(server.relayed.payloadOffset);
  }

  /** The endpoint of the local address that a datagram was sent to; replies have to leave from there. */
  #endpointOf(slot: number): DatagramEndpoint | undefined {
    if (!this.#reactor.memory.upstream.readLocalAddress(slot, LOCAL)) return undefined;
    const known = this.#endpointByLocalAddress.get(LOCAL);
    if (known !== undefined) return known;
    if (this.#endpointByLocalAddress.size >= LOCAL_ADDRESSES_PER_LISTENER_MAX) return undefined;
    const address = LOCAL.clone();
    address.port = this.#socket.address.port;
    const endpoint = this.#createEndpoint(address, address);
    this.#endpointByLocalAddress.set(address, endpoint);
    return endpoint;
  }

  #createEndpoint(
    address: TransportAddress,
    source: TransportAddress | undefined,
  ): DatagramEndpoint {
    const { fd, listener, relayAddresses } = this.#socket;
    return new DatagramEndpoint(
      listener,
      address,
      relayAddressesFor(relayAddresses, address),
      fd,
      source,
    );
  }
}

const CLIENT = new TransportAddress();
const LOCAL = new TransportAddress();
