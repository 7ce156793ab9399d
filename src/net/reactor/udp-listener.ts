import { TransportAddress } from '../../stun/transport-address.ts';
import { LocalEndpoints } from '../shared/local-endpoints.ts';
import { DatagramEndpoint } from './datagram-endpoint.ts';
import type { ListenerSocket } from './listener-socket.ts';
import { UPSTREAM_SLOTS } from './packet-memory.ts';
import type { PollHandler, Reactor } from './reactor.ts';

/** Batches taken from one listener before others have their turn. */
const BATCHES_MAX = 4;

/** A UDP listener socket: hands datagrams of clients to the core and what is to be relayed to the upstream queue. */
export class UdpListener implements PollHandler {
  readonly #reactor: Reactor;
  readonly #socket: ListenerSocket;
  /** Undefined for a wildcard socket. */
  readonly #endpoint: DatagramEndpoint | undefined;
  readonly #endpoints: LocalEndpoints<DatagramEndpoint>;

  constructor(reactor: Reactor, socket: ListenerSocket) {
    this.#reactor = reactor;
    this.#socket = socket;
    const { isWildcard, address } = socket;
    this.#endpoint = isWildcard ? undefined : new DatagramEndpoint(socket, address, undefined);
    this.#endpoints = new LocalEndpoints((local) => new DatagramEndpoint(socket, local, local));
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
    LOCAL.port = this.#socket.address.port;
    return this.#endpoints.at(LOCAL);
  }
}

const CLIENT = new TransportAddress();
const LOCAL = new TransportAddress();
