import { EPOLLERR, SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6 } from '../../sys/layout.ts';
import { setDontFragment } from '../../sys/socket.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import type { Relay } from '../../turn/allocation.ts';
import { ChannelBinding } from '../../turn/channel-binding.ts';
import { paddedLength } from '../../stun/big-endian.ts';
import { CHANNEL_DATA_HEADER_BYTES, writeChannelDataHeader } from '../../turn/channel-data.ts';
import { DATA_INDICATION_PAYLOAD_BYTES_MAX } from '../../turn/data-indication.ts';
import { mayHaveMore } from './edges.ts';
import type { PollHandler, Reactor } from './reactor.ts';

/** Datagrams taken from one relay socket before others have their turn. */
const RECEIVE_MAX = 32;
const ERRORS_MAX = 16;
/** Datagrams in a row to one peer after which it is worth a socket of its own. */
const CONNECT_AFTER = 256;

/** The bound socket of one relayed transport address. */
export class RelaySocket implements PollHandler {
  readonly fd: number;
  /** First and last datagram waiting in the upstream queue; -1 is none. */
  queueHead = -1;
  queueTail = -1;
  /** False when something in the upstream queue has to leave through `fd` itself. */
  isQueueForConnected = true;
  readonly #relay: Relay;
  readonly #reactor: Reactor;
  #connectedFd: number | undefined;
  readonly #latestPeer = new TransportAddress();
  /** Datagrams in a row to the latest peer, counted up to where the connected socket is made for it. */
  #streak = 0;
  /** Whether `fd` and the connected socket have more errors than are read at once. */
  #hasErrorsLeft = false;
  #hasErrorsLeftOnConnected = false;

  constructor(reactor: Reactor, relay: Relay, fd: number) {
    this.#reactor = reactor;
    this.#relay = relay;
    this.fd = fd;
  }

  /** Where what waits in the upstream queue leaves from. */
  get queueFd(): number {
    return this.isQueueForConnected ? (this.#connectedFd ?? this.fd) : this.fd;
  }

  onReady(flags: number): void {
    this.receive(this.fd, flags);
  }

  /** Takes what waits on a descriptor of this relayed transport address. */
  receive(fd: number, flags: number): void {
    if ((flags & EPOLLERR) !== 0 || this.#hasErrorsLeftOn(fd)) this.#readErrors(fd);
    const { downstreamQueue, memory } = this.#reactor;
    const wanted = Math.min(RECEIVE_MAX, downstreamQueue.freeSlots());
    const start = downstreamQueue.nextSlot;
    const count = memory.downstream.receive(fd, start, wanted);
    if (mayHaveMore(count, wanted)) this.#reactor.resume(fd);
    if (count <= 0) return;
    downstreamQueue.useSlots(count);
    for (let slot = start; slot < start + count; slot++) this.#relayDown(slot);
  }

  /** True when the next datagram, which goes to `peer` (borrowed), may leave through the connected socket. */
  countTo(peer: TransportAddress): boolean {
    if (!peer.equals(this.#latestPeer)) {
      this.#latestPeer.copyFrom(peer);
      this.#streak = 0;
      return false;
    }
    if (this.#streak === CONNECT_AFTER) return this.#connectedFd !== undefined;
    this.#streak += 1;
    if (this.#streak === CONNECT_AFTER) this.#connect();
    return false;
  }

  /** Closes what it opened besides `fd`. */
  closeConnected(): void {
    if (this.#connectedFd !== undefined) this.#reactor.connectedSockets.close(this.#connectedFd);
    this.#connectedFd = undefined;
  }

  /** Sets the don't-fragment bit of what is sent next. */
  setDontFragment(on: boolean): void {
    setDontFragment(this.fd, this.#relay.family, on);
  }

  /** Without a connected socket everything goes on as before. */
  #connect(): void {
    const { connectedSockets } = this.#reactor;
    const peer = this.#latestPeer;
    if (this.#connectedFd === undefined) this.#connectedFd = connectedSockets.open(this, peer);
    else if (!connectedSockets.reconnect(this.#connectedFd, peer)) this.closeConnected();
  }

  #relayDown(slot: number): void {
    const { memory, server, now } = this.#reactor;
    const { downstream } = memory;
    if (downstream.isTruncated(slot) || !downstream.readAddress(slot, PEER)) return;
    const length = downstream.length(slot);
    const under = server.handlePeerDatagram(this.#relay, PEER, length, now);
    if (under === undefined) return;
    const { bytes } = memory.arena;
    const payload = downstream.payloadOffset(slot);
    const end = payload + paddedLength(length);
    if (under instanceof ChannelBinding) {
      const start = payload - CHANNEL_DATA_HEADER_BYTES;
      writeChannelDataHeader(bytes, start, under.channelNumber, length);
      for (let pad = payload + length; pad < end; pad++) bytes[pad] = 0;
      this.#reactor.sendRelayed(
        this.#relay.allocation.client,
        start,
        payload + length - start,
        end - start,
      );
    } else if (length <= DATA_INDICATION_PAYLOAD_BYTES_MAX) {
      const start = server.dataIndication.wrap(bytes, payload, length, PEER);
      this.#reactor.sendRelayed(this.#relay.allocation.client, start, end - start, end - start);
    }
  }

  #readErrors(fd: number): void {
    const { memory, server } = this.#reactor;
    const { errors } = memory;
    let count = 0;
    for (; count < ERRORS_MAX && errors.read(fd); count++) {
      if (errors.origin !== SO_EE_ORIGIN_ICMP && errors.origin !== SO_EE_ORIGIN_ICMP6) continue;
      server.handlePeerError(
        this.#relay,
        errors.destination,
        errors.type,
        errors.code,
        errors.info,
      );
      this.#reactor.drainCommands();
    }
    const isMoreLeft = count === ERRORS_MAX;
    if (fd === this.fd) this.#hasErrorsLeft = isMoreLeft;
    else this.#hasErrorsLeftOnConnected = isMoreLeft;
    if (isMoreLeft) this.#reactor.resume(fd);
  }

  #hasErrorsLeftOn(fd: number): boolean {
    return fd === this.fd ? this.#hasErrorsLeft : this.#hasErrorsLeftOnConnected;
  }
}

const PEER = new TransportAddress();
