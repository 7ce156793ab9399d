import { ASSOCIATIONS_PER_WORKER_MAX } from '../../limits.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import type { Client } from '../../turn/allocation.ts';
import { ExpiryWheel } from '../../turn/expiry.ts';
import { ConnectionCounts } from '../shared/connection-counts.ts';
import type { ConnectionRefusal } from '../shared/transport-event.ts';
import type { DatagramEndpoint } from './datagram-endpoint.ts';
import { DtlsAssociation, type DtlsClient } from './dtls-association.ts';
import type { Reactor } from './reactor.ts';
import {
  ClientHello,
  hasForgedRecord,
  isClientHello,
  recordLength,
  writeHelloVerifyRequest,
} from './secure/client-hello.ts';
import { HANDSHAKE_DATAGRAM_BYTES_MAX, RECORD_BYTES_MAX } from './secure/datagram-channel.ts';
import { DtlsCookies } from './secure/dtls-cookies.ts';

/** Lost flights are looked for so often; OpenSSL knows when each of them is due. */
const RETRANSMIT_MS = 250;
const HANDLE_MAX = 0x7fff_ffff;

/** The DTLS associations of one worker, with their timeouts. */
export class DtlsAssociations {
  readonly #reactor: Reactor;
  readonly #counts: ConnectionCounts;
  readonly #cookies = new DtlsCookies();
  readonly #expiry = new ExpiryWheel<DtlsAssociation>();
  readonly #inHandshake = new Set<DtlsAssociation>();
  readonly #all = new Set<DtlsAssociation>();
  #doomed: DtlsAssociation[] = [];
  #lastHandle = 0;
  #retransmittedAtMs = 0;

  constructor(reactor: Reactor, perAddressMax: number) {
    this.#reactor = reactor;
    this.#counts = new ConnectionCounts(ASSOCIATIONS_PER_WORKER_MAX, perAddressMax);
  }

  /**
   * Handles a datagram of the arena that holds DTLS records; the place is used for plaintext afterwards.
   *
   * @param address - of the client; borrowed.
   */
  handleDatagram(
    endpoint: DatagramEndpoint,
    address: TransportAddress,
    offset: number,
    length: number,
  ): void {
    const { bytes } = this.#reactor.memory.arena;
    const known = endpoint.associationByClient.get(address);
    if (isClientHello(bytes, offset, length)) {
      this.#handleHello(endpoint, address, known, offset, length);
    } else if (known !== undefined && !isForged(known, bytes, offset, length)) {
      this.#push(known, offset, length);
    }
  }

  /** Encrypts a message of the arena, in the place where it lies, and queues it. */
  send(client: Client, offset: number, length: number): void {
    const { association } = client as DtlsClient;
    if (association === undefined) return;
    const { channel } = association;
    if (length > channel.messageBytesMax) return;
    const { memory, downstreamQueue } = this.#reactor;
    const address = memory.arena.addressOf(offset);
    if (!channel.write(address, length)) {
      this.#doomed.push(association);
      return;
    }
    const encrypted = channel.pull(address, RECORD_BYTES_MAX * 2);
    downstreamQueue.add(client, offset, encrypted);
  }

  /** Encrypts a copy of a message and queues it. */
  sendCopy(client: Client, bytes: Uint8Array): void {
    const { downstreamQueue, memory } = this.#reactor;
    const offset = downstreamQueue.takeSlot();
    memory.arena.bytes.set(bytes, offset);
    this.send(client, offset, bytes.length);
  }

  /** Ends a turn: repeats flights that got lost, and closes what has failed or is idle. */
  endTurn(): void {
    const doomed = this.#doomed;
    if (doomed.length > 0) {
      this.#doomed = [];
      for (const association of doomed) this.#close(association);
    }
    const now = this.#reactor.now.monotonicMs;
    if (this.#inHandshake.size > 0 && now - this.#retransmittedAtMs >= RETRANSMIT_MS) {
      this.#retransmittedAtMs = now;
      for (const association of this.#inHandshake) {
        association.channel.handleTimeout();
        this.#sendPending(association);
      }
    }
    const deadline = this.#expiry.nextDeadline();
    if (deadline !== undefined && deadline <= now) this.#closeIdle();
  }

  /** How many associations one client may have; those that there are stay. */
  set perAddressMax(max: number) {
    this.#counts.perNetworkMax = max;
  }

  /** Longest time to wait for the next turn, milliseconds. */
  get patienceMs(): number {
    return this.#inHandshake.size > 0 ? RETRANSMIT_MS : Infinity;
  }

  /** Closes the association of a client, if there is one. */
  disconnect(client: Client): void {
    const { association } = client as DtlsClient;
    if (association !== undefined) this.#close(association);
  }

  /** Closes the associations whose endpoint `isMeant`. */
  closeAt(isMeant: (endpoint: DatagramEndpoint) => boolean): void {
    for (const association of this.#all) {
      if (isMeant(association.endpoint)) this.#close(association);
    }
  }

  /** Closes every association. */
  closeAll(): void {
    this.closeAt(() => true);
  }

  /** Nothing is kept of a client that has not shown that it receives what is sent to its address. */
  #handleHello(
    endpoint: DatagramEndpoint,
    address: TransportAddress,
    known: DtlsAssociation | undefined,
    offset: number,
    length: number,
  ): void {
    const { memory, now } = this.#reactor;
    if (!HELLO.read(memory.arena.bytes, offset, length)) return;
    if (!this.#cookies.verify(address, HELLO, now.monotonicMs)) {
      this.#requestCookie(endpoint, address);
      return;
    }
    const random = HELLO.copyRandom();
    const repeated = [known, known?.successor].find((one) => one?.beganWith(random));
    // One that is established has no use for it.
    if (repeated?.isInHandshake === false) return;
    const association = repeated ?? this.#begin(endpoint, address, known, random);
    if (association !== undefined) this.#push(association, offset, length);
  }

  #requestCookie(endpoint: DatagramEndpoint, address: TransportAddress): void {
    const { downstreamQueue, memory, now } = this.#reactor;
    const cookie = this.#cookies.issue(address, HELLO, now.monotonicMs);
    const offset = downstreamQueue.takeSlot();
    const length = writeHelloVerifyRequest(memory.arena.bytes, offset, HELLO, cookie);
    downstreamQueue.addTo(endpoint, address, offset, length);
  }

  /** Undefined when the client may not begin a handshake now; it will try again. */
  #begin(
    endpoint: DatagramEndpoint,
    address: TransportAddress,
    known: DtlsAssociation | undefined,
    random: Uint8Array,
  ): DtlsAssociation | undefined {
    const { handshakeGate, secureContexts, loopBudget, now } = this.#reactor;
    if (!endpoint.isOpen || !loopBudget.grantHandshakeStep()) return undefined;
    if (!this.#counts.hasRoomFor(address))
      return this.#refuse(endpoint, address, 'tooManyConnections');
    if (!handshakeGate.enter(address, now.monotonicMs))
      return this.#refuse(endpoint, address, 'tooManyHandshakes');
    const association = new DtlsAssociation(
      secureContexts.of(endpoint.listener, 'datagram'),
      endpoint,
      address.clone(),
      this.#nextHandle(),
      random,
      now.monotonicMs,
    );
    this.#counts.add(association.client.address);
    this.#all.add(association);
    this.#inHandshake.add(association);
    this.#expiry.add(association, now.monotonicMs);
    this.#place(association, known);
    this.#reactor.report({ kind: 'connectionOpened', client: association.client });
    return association;
  }

  /** A handshake takes the place of one that goes on, and waits beside an association that is established. */
  #place(association: DtlsAssociation, known: DtlsAssociation | undefined): void {
    const { client, endpoint } = association;
    if (known === undefined || known.isInHandshake) {
      if (known !== undefined) this.#close(known);
      endpoint.associationByClient.set(client.address, association);
      return;
    }
    if (known.successor !== undefined) this.#close(known.successor);
    known.successor = association;
    association.predecessor = known;
  }

  #refuse(
    endpoint: DatagramEndpoint,
    address: TransportAddress,
    reason: ConnectionRefusal,
  ): undefined {
    this.#reactor.report({ kind: 'connectionRefused', client: { endpoint, address }, reason });
  }

  /** While a newer handshake goes on, both get what comes: each drops what it cannot read. */
  #push(association: DtlsAssociation, offset: number, length: number): void {
    const { successor } = association;
    const address = this.#reactor.memory.arena.addressOf(offset);
    association.channel.push(address, length);
    if (successor !== undefined) {
      successor.channel.push(address, length);
      this.#advance(successor, offset);
    }
    if (!association.isGone) this.#advance(association, offset);
  }

  #advance(association: DtlsAssociation, place: number): void {
    const { channel } = association;
    const { isInHandshake } = association;
    if (isInHandshake) {
      channel.handshake();
      if (channel.isOpen) this.#establish(association);
    }
    this.#readMessages(association, place);
    if (association.isGone) return;
    this.#sendPending(association);
    if (!channel.isOver) return;
    if (channel.state === 'failed') {
      const kind = isInHandshake ? 'handshakeFailed' : 'channelFailed';
      this.#reactor.report({ kind, client: association.client, reason: channel.failure });
    }
    this.#close(association);
  }

  #establish(association: DtlsAssociation): void {
    this.#leaveHandshake(association);
    // Which puts the new one in its place.
    if (association.predecessor !== undefined) this.#close(association.predecessor);
    association.open(this.#reactor.now.monotonicMs);
  }

  #readMessages(association: DtlsAssociation, place: number): void {
    const { memory, server, upstreamQueue, now } = this.#reactor;
    const { arena } = memory;
    while (!association.isGone && association.channel.isOpen) {
      const length = association.channel.read(arena.addressOf(place), RECORD_BYTES_MAX);
      if (length === 0) return;
      const { client } = association;
      const under = server.handleClientMessage(client, arena.bytes, place, length, now);
      association.noteMessage();
      if (under === undefined) this.#reactor.drainCommands();
      else this.#reactor.relayUp(server.relayed.payloadOffset);
      if (association.isGone || !association.channel.hasMore) return;
      // The next record is decrypted into the same place.
      upstreamQueue.flush();
    }
  }

  /** Flights of the handshake, and alerts: one datagram for as many records as fit. */
  #sendPending(association: DtlsAssociation): void {
    const { memory, downstreamQueue } = this.#reactor;
    const { channel, client } = association;
    const { arena, ciphertextOffset } = memory;
    const length = channel.pull(arena.addressOf(ciphertextOffset), 4 * RECORD_BYTES_MAX);
    for (let at = ciphertextOffset, end = at + length; at < end;) {
      let next = at + recordLength(arena.bytes, at);
      while (next < end) {
        const further = next + recordLength(arena.bytes, next);
        if (further - at > HANDSHAKE_DATAGRAM_BYTES_MAX) break;
        next = further;
      }
      downstreamQueue.addCopy(client, arena.bytes.subarray(at, Math.min(next, end)));
      at = next;
    }
  }

  #leaveHandshake(association: DtlsAssociation): void {
    if (!association.isInHandshake) return;
    association.isInHandshake = false;
    this.#inHandshake.delete(association);
    this.#reactor.handshakeGate.leave();
  }

  #close(association: DtlsAssociation): void {
    if (association.isGone) return;
    const { client, endpoint, channel, predecessor, successor } = association;
    this.#leaveHandshake(association);
    channel.close();
    this.#sendPending(association);
    association.isGone = true;
    (client as DtlsClient).association = undefined;
    channel.free();
    this.#all.delete(association);
    this.#counts.remove(client.address);
    this.#expiry.remove(association);
    if (predecessor !== undefined) predecessor.successor = undefined;
    else endpoint.associationByClient.delete(client.address);
    if (successor !== undefined) this.#promote(successor);
    this.#reactor.report({ kind: 'connectionClosed', client });
    this.#reactor.server.handleClientClosed(client);
    this.#reactor.drainCommands();
  }

  /** What it was to replace is gone. */
  #promote(successor: DtlsAssociation): void {
    successor.predecessor = undefined;
    successor.endpoint.associationByClient.set(successor.client.address, successor);
  }

  #closeIdle(): void {
    const now = this.#reactor.now.monotonicMs;
    this.#expiry.advance(now, (association) => {
      if (association.isStranger) return this.#close(association);
      association.prolong(now);
      this.#expiry.add(association, now);
    });
  }

  #nextHandle(): number {
    this.#lastHandle = this.#lastHandle === HANDLE_MAX ? 0 : this.#lastHandle + 1;
    return this.#lastHandle;
  }
}

const HELLO = new ClientHello();

/** True for what would end an association although nobody has signed it. */
function isForged(
  { channel, successor }: DtlsAssociation,
  bytes: Uint8Array,
  offset: number,
  length: number,
): boolean {
  const min = Math.min(channel.recordBytesMin, successor?.channel.recordBytesMin ?? Infinity);
  return hasForgedRecord(bytes, offset, length, min);
}
