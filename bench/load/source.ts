import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { PAYLOAD_BYTES } from '../settings.ts';
import type { Burst } from './burst.ts';
import type { PacketNumbers } from './numbered-packets.ts';
import type { GeneratorMemory } from './transport/memory.ts';
import type { TurnClient } from './turn-clients.ts';

/** Sends numbered packets for many clients in turn. */
export interface Source {
  /** Sends one burst and returns how many packets it had; 0 when there was no room for it. */
  send(): number;
}

/** From clients to the server by datagrams: a burst belongs to one client, since each has a socket of its own. */
export class DatagramSource implements Source {
  readonly #clients: readonly TurnClient[];
  readonly #server: TransportAddress;
  readonly #burst: Burst;
  #next = 0;

  constructor(clients: readonly TurnClient[], server: TransportAddress, burst: Burst) {
    this.#clients = clients;
    this.#server = server;
    this.#burst = burst;
  }

  send(): number {
    const client = this.#next;
    const { packets } = this.#burst;
    this.#next = (client + 1) % this.#clients.length;
    for (let count = 0; count < packets; count++) this.#burst.add(client, this.#server);
    this.#burst.send(this.#clients[client]!.transport.fd);
    return packets;
  }
}

/** From clients to the server by streams, packet by packet; a client whose stream is full loses its turn. */
export class StreamSource implements Source {
  readonly #clients: readonly TurnClient[];
  readonly #numbers: PacketNumbers;
  readonly #memory: GeneratorMemory;
  readonly #header: Uint8Array;
  #next = 0;

  /** @param header - goes in front of the payload. */
  constructor(
    clients: readonly TurnClient[],
    numbers: PacketNumbers,
    memory: GeneratorMemory,
    header: Uint8Array,
  ) {
    this.#clients = clients;
    this.#numbers = numbers;
    this.#memory = memory;
    this.#header = header;
    memory.arena.bytes.set(header, memory.messageOffset);
  }

  send(): number {
    const client = this.#next;
    const { arena, messageOffset } = this.#memory;
    const headerBytes = this.#header.length;
    this.#next = (client + 1) % this.#clients.length;
    this.#numbers.write(arena.bytes, messageOffset + headerBytes, client);
    const { transport } = this.#clients[client]!;
    return transport.send(messageOffset, headerBytes + PAYLOAD_BYTES) ? 1 : 0;
  }
}

/** From the peer to relayed transport addresses: a burst goes to as many clients as it has packets. */
export class PeerSource implements Source {
  readonly #clients: readonly TurnClient[];
  readonly #peerFd: number;
  readonly #burst: Burst;
  #next = 0;

  constructor(clients: readonly TurnClient[], peerFd: number, burst: Burst) {
    this.#clients = clients;
    this.#peerFd = peerFd;
    this.#burst = burst;
  }

  send(): number {
    const { packets } = this.#burst;
    for (let count = 0; count < packets; count++) {
      const client = this.#next;
      this.#next = (client + 1) % this.#clients.length;
      this.#burst.add(client, this.#clients[client]!.relayed);
    }
    this.#burst.send(this.#peerFd);
    return packets;
  }
}
