import { classifyFirstByte, FIRST_BYTE } from '../../stun/demultiplex.ts';
import { OVERLOAD_QUEUE_SHARE } from '../../limits.ts';
import { receiveQueueShare } from '../../sys/socket.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import type { ListenerPlan } from '../data-plane.ts';
import type { DatagramEndpoint } from './datagram-endpoint.ts';
import { DatagramEndpoints } from './datagram-endpoints.ts';
import type { ListenerSocket } from './listener-socket.ts';
import { UPSTREAM_SLOTS } from './packet-memory.ts';
import { mayHaveMore } from './edges.ts';
import type { PollHandler, Reactor } from './reactor.ts';

/** Batches taken from one socket before others have their turn. */
const BATCHES_MAX = 4;

/**
 * A UDP listener, which has one socket or two: hands datagrams of clients to the core, or to their DTLS associations,
 * and what is to be relayed to the upstream queue.
 */
export class UdpListener implements PollHandler {
  /** Handler of the second socket. */
  readonly strangers: PollHandler = { onReady: () => this.#receive(this.strangersFd!) };
  readonly #reactor: Reactor;
  readonly #socket: ListenerSocket;
  #plain: DatagramEndpoints | undefined;
  readonly #secure: DatagramEndpoints | undefined;
  /** True when plain clients were taken once, and those that live are not to be cut off. */
  #isPlainEnding = false;
  /** True from when the queue of requests is too long until it is empty. */
  #isOverloaded = false;

  constructor(reactor: Reactor, socket: ListenerSocket) {
    this.#reactor = reactor;
    this.#socket = socket;
    const { protocol, alsoPlain } = socket.plan;
    const isSecure = protocol === 'dtls';
    this.#plain = !isSecure || alsoPlain ? new DatagramEndpoints(socket, 'udp') : undefined;
    this.#secure = isSecure ? new DatagramEndpoints(socket, 'dtls') : undefined;
  }

  onReady(): void {
    this.#receive(this.#socket.fd);
  }

  /** The second socket; undefined when there is only one. */
  get strangersFd(): number | undefined {
    return this.#socket.strangersFd;
  }

  /** Takes another plan for the same place, also after it was retired. */
  update(plan: ListenerPlan): void {
    const takesPlain = this.#secure === undefined || plan.alsoPlain;
    this.#secure?.open(plan);
    if (takesPlain) {
      this.#plain ??= new DatagramEndpoints({ ...this.#socket, plan }, 'udp');
      this.#plain.open(plan);
    } else {
      this.#plain?.retire();
    }
    this.#isPlainEnding = !takesPlain;
    this.sweep();
  }

  /** Serves only what lives from now on. */
  retire(): void {
    this.#plain?.retire();
    this.#secure?.retire();
  }

  /** True when nobody has an allocation or an association. */
  get isIdle(): boolean {
    return (this.#plain?.isIdle ?? true) && (this.#secure?.isIdle ?? true);
  }

  /** Forgets plain clients that it does not take any more, once there are none. */
  sweep(): void {
    if (this.#isPlainEnding && this.#plain?.isIdle === true) this.#plain = undefined;
  }

  #receive(fd: number): void {
    const { memory, upstreamQueue, server } = this.#reactor;
    const hasRequests = fd === (this.strangersFd ?? this.#socket.fd);
    server.setOverloaded(this.#isOverloaded);
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const count = memory.upstream.receive(fd, 0, UPSTREAM_SLOTS);
      for (let slot = 0; slot < count; slot++) this.#handleSlot(slot);
      upstreamQueue.flush();
      if (mayHaveMore(count, UPSTREAM_SLOTS)) continue;
      if (hasRequests) this.#isOverloaded = false;
      return;
    }
    if (hasRequests) this.#isOverloaded ||= receiveQueueShare(fd) > OVERLOAD_QUEUE_SHARE;
    this.#reactor.resume(fd);
  }

  #handleSlot(slot: number): void {
    const { upstream, arena } = this.#reactor.memory;
    if (upstream.isTruncated(slot) || !upstream.readAddress(slot, CLIENT)) return;
    const offset = upstream.payloadOffset(slot);
    const length = upstream.length(slot);
    const isSecure =
      this.#secure !== undefined && classifyFirstByte(arena.bytes[offset]!) === FIRST_BYTE.DTLS;
    const endpoint = this.#endpointOf(slot, isSecure ? this.#secure : this.#plain);
    if (endpoint === undefined) return;
    if (isSecure) this.#reactor.associations.handleDatagram(endpoint, CLIENT, offset, length);
    else this.#handlePlain(endpoint, offset, length);
  }

  #handlePlain(endpoint: DatagramEndpoint, offset: number, length: number): void {
    const reactor = this.#reactor;
    const { server, memory, now } = reactor;
    const { bytes } = memory.arena;
    const under = server.handleClientDatagram(endpoint, CLIENT, bytes, offset, length, now);
    if (under === undefined) reactor.drainCommands();
    else reactor.relayUp(server.relayed.payloadOffset);
  }

  /** The endpoint of the local address that a datagram was sent to; replies have to leave from there. */
  #endpointOf(
    slot: number,
    endpoints: DatagramEndpoints | undefined,
  ): DatagramEndpoint | undefined {
    if (endpoints === undefined || !this.#socket.isWildcard) return endpoints?.bound;
    if (!this.#reactor.memory.upstream.readLocalAddress(slot, LOCAL)) return undefined;
    LOCAL.port = this.#socket.address.port;
    return endpoints.at(LOCAL);
  }
}

const CLIENT = new TransportAddress();
const LOCAL = new TransportAddress();
