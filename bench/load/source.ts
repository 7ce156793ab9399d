import type { TransportAddress } from '../../src/stun/transport-address.ts';
import type { Burst } from './burst.ts';
import type { PacketNumbers } from './numbered-packets.ts';
import type { GeneratorMemory } from './transport/memory.ts';
import type { ClientTransport } from './transport/transport.ts';

/** Sends numbered packets. */
export interface Source {
  /**
   * Sends one burst of a client.
   *
   * @param stamp - when that is, a `timeStamp`.
   * @returns how many packets the socket took.
   */
  send(client: number, stamp: number): number;
}

/** From clients by datagrams: each has a socket of its own. */
export class DatagramSource implements Source {
  readonly #clients: readonly ClientTransport[];
  readonly #destination: TransportAddress;
  readonly #burst: Burst;

  constructor(clients: readonly ClientTransport[], destination: TransportAddress, burst: Burst) {
    this.#clients = clients;
    this.#destination = destination;
    this.#burst = burst;
  }

  send(client: number, stamp: number): number {
    while (!this.#burst.isFull) this.#burst.add(client, stamp, this.#destination);
    return this.#burst.send(this.#clients[client]!.fd);
  }
}

/** From clients by streams, packet by packet; one whose stream is full sends nothing. */
export class StreamSource implements Source {
  readonly #clients: readonly ClientTransport[];
  readonly #numbers: PacketNumbers;
  readonly #memory: GeneratorMemory;
  readonly #headerBytes: number;
  readonly #payloadBytes: number;

  /** @param header - goes in front of the payload. */
  constructor(
    clients: readonly ClientTransport[],
    numbers: PacketNumbers,
    memory: GeneratorMemory,
    header: Uint8Array,
    payloadBytes: number,
  ) {
    this.#clients = clients;
    this.#numbers = numbers;
    this.#memory = memory;
    this.#headerBytes = header.length;
    this.#payloadBytes = payloadBytes;
    memory.arena.bytes.set(header, memory.messageOffset);
  }

  send(client: number, stamp: number): number {
    const { arena, messageOffset } = this.#memory;
    this.#numbers.write(arena.bytes, messageOffset + this.#headerBytes, client, stamp);
    const length = this.#headerBytes + this.#payloadBytes;
    return this.#clients[client]!.send(messageOffset, length) ? 1 : 0;
  }
}

/** From the peer, which has one socket, to wherever each client is reached. */
export class PeerSource implements Source {
  readonly #destinations: readonly TransportAddress[];
  readonly #peerFd: number;
  readonly #burst: Burst;

  constructor(destinations: readonly TransportAddress[], peerFd: number, burst: Burst) {
    this.#destinations = destinations;
    this.#peerFd = peerFd;
    this.#burst = burst;
  }

  send(client: number, stamp: number): number {
    const destination = this.#destinations[client]!;
    while (!this.#burst.isFull) this.#burst.add(client, stamp, destination);
    return this.#burst.send(this.#peerFd);
  }
}
