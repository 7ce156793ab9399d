import { uint16At } from '../stun/big-endian.ts';
import {
  classifyFirstByte,
  FIRST_BYTE,
  CHANNEL_DATA_LAST_BYTE_RFC5766,
} from '../stun/demultiplex.ts';
import { encodeMessageType } from '../stun/message-type.ts';
import { StunMessage } from '../stun/message.ts';
import { CLASS, METHOD } from '../stun/registry.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import { ATTRIBUTES_PER_MESSAGE_MAX } from '../limits.ts';
import { Client, type Allocation, type Relay, type ServerEndpoint } from './allocation.ts';
import { CHANNEL_DATA_HEADER_BYTES } from './channel-data.ts';
import { ChannelBinding } from './channel-binding.ts';
import type { AllocationEnd, TurnCommand } from './commands.ts';
import { dataIndicationBytes, DataIndicationWriter } from './data-indication.ts';
import { refuseClassicRequest } from './handlers/classic-request.ts';
import { handlePeerError } from './handlers/peer-error.ts';
import { handleRequest } from './handlers/request.ts';
import { handleSendIndication } from './handlers/send-indication.ts';
import {
  applyRules,
  endAllocation,
  readmit,
  removeChannel,
  removePermission,
} from './lifecycle.ts';
import { Permission } from './permission.ts';
import type { MonotonicMs, Now } from './policy.ts';
import { discardReservation, relayBound, relayFailed } from './relay-binding.ts';
import { RelayedData } from './relayed-data.ts';
import { HeldReservation } from './reservation.ts';
import {
  TurnContext,
  type Deadline,
  type TurnPolicies,
  type TurnServerOptions,
} from './turn-context.ts';

const SEND_INDICATION = encodeMessageType(METHOD.SEND, CLASS.INDICATION);

/**
 * A TURN server without sockets, clock or randomness of its own (RFC 8656).
 *
 * The one rule of use: after every `handle…` call the driver takes `nextCommand()` until it is empty, and only then
 * hands in the next input. Relayed data does not pass through commands: the call returns the existing channel binding
 * or permission under which it flows, and creates nothing.
 */
export class TurnServer {
  /** Destination and payload of the client data that the last `handleClientMessage` returned something for. */
  readonly relayed = new RelayedData();
  /** Frames peer data for clients without a channel. */
  readonly dataIndication: DataIndicationWriter;

  readonly #context: TurnContext;
  readonly #message = new StunMessage(ATTRIBUTES_PER_MESSAGE_MAX);
  /** Stands for a datagram client that has no allocation, so that strangers leave nothing behind. */
  #stranger: Client | undefined;

  constructor(options: TurnServerOptions) {
    this.#context = new TurnContext(options);
    const seed = new Uint8Array(12);
    options.random.fill(seed);
    this.dataIndication = new DataIndicationWriter(seed);
  }

  /** Number of allocations, the ones still waiting for sockets included. */
  get allocationCount(): number {
    return this.#context.allocations.size;
  }

  /**
   * Tells whether more requests wait than can be answered; datagrams of strangers are then answered only when they come
   * for the second time, and nobody else is concerned.
   */
  setOverloaded(isOverloaded: boolean): void {
    this.#context.isOverloaded = isOverloaded;
  }

  /** All allocations, in order of creation. */
  allocations(): Iterable<Allocation> {
    return this.#context.allocations;
  }

  /**
   * Handles one datagram from a client.
   *
   * @param address - source; borrowed.
   * @param bytes - holds the datagram at `offset`; borrowed.
   * @returns what the data in `relayed` flows under, or undefined when there is none.
   */
  handleClientDatagram(
    endpoint: ServerEndpoint,
    address: TransportAddress,
    bytes: Uint8Array,
    offset: number,
    length: number,
    now: Now,
  ): ChannelBinding | Permission | undefined {
    const allocation = endpoint.allocationByClient.get(address);
    const client =
      allocation === undefined ? this.#strangerAt(endpoint, address) : allocation.client;
    return this.handleClientMessage(client, bytes, offset, length, now);
  }

  /** Handles one whole message from a known client, for example one frame of a stream; see `handleClientDatagram`. */
  handleClientMessage(
    client: Client,
    bytes: Uint8Array,
    offset: number,
    length: number,
    now: Now,
  ): ChannelBinding | Permission | undefined {
    this.#context.trafficOf(client).countReceived(length);
    if (length < CHANNEL_DATA_HEADER_BYTES) return this.#context.drop('notStunNorChannelData');
    switch (classifyFirstByte(bytes[offset]!, CHANNEL_DATA_LAST_BYTE_RFC5766)) {
      case FIRST_BYTE.CHANNEL_DATA:
        return this.#handleChannelData(client, bytes, offset, length, now);
      case FIRST_BYTE.STUN:
        return this.#handleStun(client, bytes, offset, length, now);
      default:
        return this.#context.drop('notStunNorChannelData');
    }
  }

  /**
   * Handles one datagram that a relay socket received.
   *
   * @param peer - source; borrowed.
   * @param length - bytes of the datagram.
   * @returns the channel binding to frame it with, the permission for a Data indication, or undefined to drop it
   *   (RFC 8656 §11.3, §12.7).
   */
  handlePeerDatagram(
    relay: Relay,
    peer: TransportAddress,
    length: number,
    now: Now,
  ): ChannelBinding | Permission | undefined {
    const { allocation } = relay;
    const context = this.#context;
    const permission = allocation.permissionByPeer.get(peer);
    if (permission === undefined) return context.drop('noPermission');
    if (!context.admission.passes(permission, peer.port)) return context.drop('peerNotAdmitted');
    if (!allocation.meterDown.admit(length, now)) return context.drop('allocationRateExceeded');
    if (!allocation.userMeter.admit(false, length, now)) return context.drop('userRateExceeded');
    const binding = allocation.channelByPeer.get(peer);
    permission.traffic.countReceived(length);
    allocation.traffic.countSent(length);
    const framing = binding === undefined ? dataIndicationBytes(peer) : CHANNEL_DATA_HEADER_BYTES;
    context.trafficOf(allocation.client).countSent(framing + length);
    return binding ?? permission;
  }

  /**
   * Handles an ICMP error that a relay socket received for a datagram it had sent (RFC 8656 §11.5).
   *
   * @param peer - destination of the datagram; borrowed.
   * @param errorData - 32 bits that depend on the type, such as the MTU; 0 where there is none.
   */
  handlePeerError(
    relay: Relay,
    peer: TransportAddress,
    type: number,
    code: number,
    errorData: number,
  ): void {
    handlePeerError(this.#context, relay, peer, type, code, errorData);
  }

  /** The driver has carried out `bindRelay` or `adoptRelay`; `nextHandle` when it reserved the next port as well. */
  handleRelayBound(relay: Relay, handle: number, nextHandle: number | undefined, now: Now): void {
    relayBound(this.#context, relay, handle, nextHandle, now.monotonicMs);
  }

  /** The driver could not bind; `isPortTaken` when another port may work. */
  handleRelayFailed(relay: Relay, isPortTaken: boolean, now: Now): void {
    relayFailed(this.#context, relay, isPortTaken, now.monotonicMs);
  }

  /** A stream connection is gone, and its allocation with it (RFC 8656 §3.1). */
  handleClientClosed(client: Client): void {
    if (client.allocation !== undefined)
      endAllocation(this.#context, client.allocation, 'clientClosed');
  }

  /** Ends what has expired; to be called when `pollTimeout()` is reached. */
  handleTimeout(now: Now): void {
    this.#context.expiry.advance(now.monotonicMs, (entry) => this.#expire(entry));
  }

  /** When `handleTimeout` is due, or undefined while nothing can expire. */
  pollTimeout(): MonotonicMs | undefined {
    return this.#context.expiry.nextDeadline();
  }

  /**
   * Swaps what is given. Live permissions and channels that new routes deny end at once; new rates and what becomes of
   * expired credentials hold for live allocations as well.
   */
  replacePolicies({ credentials, peers, rules }: Partial<TurnPolicies>, now: Now): void {
    const context = this.#context;
    if (credentials !== undefined) context.replaceCredentials(credentials);
    if (peers !== undefined) {
      context.admission.replacePolicy(peers);
      for (const allocation of context.allocations) readmit(context, allocation);
    }
    if (rules === undefined) return;
    context.replaceRules(rules);
    for (const allocation of context.allocations) applyRules(context, allocation, now);
  }

  /** Ends the allocations that `isMeant`; returns how many. */
  endAllocations(isMeant: (allocation: Allocation) => boolean, reason: AllocationEnd): number {
    const meant = [...this.#context.allocations].filter(isMeant);
    for (const allocation of meant) endAllocation(this.#context, allocation, reason);
    return meant.length;
  }

  /** Ends every allocation. */
  shutdown(): void {
    this.endAllocations(() => true, 'shutdown');
  }

  /** The next thing for the driver to do, or undefined when the queue is empty. */
  nextCommand(): TurnCommand | undefined {
    return this.#context.nextCommand();
  }

  #strangerAt(endpoint: ServerEndpoint, address: TransportAddress): Client {
    const stranger = (this.#stranger ??= new Client(endpoint, address));
    stranger.endpoint = endpoint;
    stranger.address = address;
    return stranger;
  }

  #handleChannelData(
    client: Client,
    bytes: Uint8Array,
    offset: number,
    length: number,
    now: Now,
  ): ChannelBinding | undefined {
    const { allocation } = client;
    if (allocation === undefined) return this.#context.drop('noAllocation');
    const payloadLength = uint16At(bytes, offset + 2);
    if (payloadLength > length - CHANNEL_DATA_HEADER_BYTES)
      return this.#context.drop('malformedChannelData');
    const binding = allocation.channelByNumber.get(uint16At(bytes, offset));
    if (binding === undefined) return this.#context.drop('unknownChannel');
    const { relayed } = this;
    relayed.relay = binding.relay;
    relayed.peer.copyFrom(binding.peer);
    relayed.payloadOffset = offset + CHANNEL_DATA_HEADER_BYTES;
    relayed.payloadLength = payloadLength;
    relayed.dontFragment = false;
    if (!this.#admitsUp(allocation, payloadLength, now)) return undefined;
    binding.traffic.countSent(payloadLength);
    return binding;
  }

  /** Counts client data that is about to be relayed, unless there is too much of it. */
  #admitsUp(allocation: Allocation, length: number, now: Now): boolean {
    if (!allocation.meterUp.admit(length, now)) {
      this.#context.drop('allocationRateExceeded');
      return false;
    }
    if (!allocation.userMeter.admit(true, length, now)) {
      this.#context.drop('userRateExceeded');
      return false;
    }
    allocation.traffic.countReceived(length);
    return true;
  }

  #handleStun(
    client: Client,
    bytes: Uint8Array,
    offset: number,
    length: number,
    now: Now,
  ): Permission | undefined {
    // Whoever forges these reaches the queue of live calls: they must cost next to nothing.
    if (client.allocation === undefined && uint16At(bytes, offset) === SEND_INDICATION) {
      return this.#context.drop('noAllocation');
    }
    const message = this.#message;
    const failure = message.decode(bytes, offset, length);
    if (failure === 'badCookie') {
      refuseClassicRequest(this.#context, client, message, now);
      return undefined;
    }
    if (failure !== undefined) return this.#context.drop('malformedStun');
    switch (message.messageClass) {
      case CLASS.REQUEST:
        if (this.#context.mayServe(client, message, now)) {
          handleRequest(this.#context, client, message, now);
        }
        return undefined;
      case CLASS.INDICATION:
        return this.#handleIndication(client, now);
      default:
        return this.#context.drop('unexpectedResponse');
    }
  }

  #handleIndication(client: Client, now: Now): Permission | undefined {
    const { allocation } = client;
    const message = this.#message;
    // A Binding indication keeps a NAT binding alive and wants nothing (RFC 8489 §6.3.2).
    if (message.method === METHOD.BINDING) return undefined;
    if (message.method !== METHOD.SEND) return this.#context.drop('unsupportedMethod');
    if (allocation?.state !== 'active') return this.#context.drop('noAllocation');
    const permission = handleSendIndication(this.#context, allocation, message, this.relayed);
    const { payloadLength } = this.relayed;
    if (permission === undefined || !this.#admitsUp(allocation, payloadLength, now))
      return undefined;
    permission.traffic.countSent(payloadLength);
    return permission;
  }

  #expire(entry: Deadline): void {
    const context = this.#context;
    if (entry instanceof Permission) {
      removePermission(context, entry);
    } else if (entry instanceof ChannelBinding) {
      removeChannel(context, entry);
    } else if (entry instanceof HeldReservation) {
      const reservation = context.options.reservations.take(entry.token);
      if (reservation !== undefined) discardReservation(context, reservation);
    } else {
      const isCredential = entry.credentialEndsAtMs < entry.lifetimeEndsAtMs;
      endAllocation(context, entry, isCredential ? 'credentialExpired' : 'expired');
    }
  }
}
