import type { TransportAddress } from '../../stun/transport-address.ts';
import type { Client } from '../../turn/allocation.ts';
import type { DatagramEndpoint } from './datagram-endpoint.ts';
import { DOWNSTREAM_SLOTS, type PacketMemory } from './packet-memory.ts';

/**
 * Datagrams to clients of one turn of the loop: what peers sent, and replies. They leave with one system call per
 * listener socket, from the slots they lie in.
 */
export class DownstreamQueue {
  readonly #memory: PacketMemory;
  #nextSlot = 0;
  #fd = -1;

  constructor(memory: PacketMemory) {
    this.#memory = memory;
  }

  /** First of the free slots. */
  get nextSlot(): number {
    return this.#nextSlot;
  }

  /** How many slots are free behind `nextSlot`; flushes when there is none. */
  freeSlots(): number {
    if (this.#nextSlot === DOWNSTREAM_SLOTS) this.flush();
    return DOWNSTREAM_SLOTS - this.#nextSlot;
  }

  /** Marks slots as filled; they stay untouched until the next flush. */
  useSlots(count: number): void {
    this.#nextSlot += count;
  }

  /** Takes a free slot, flushing when there is none; returns the offset of its payload. */
  takeSlot(): number {
    this.freeSlots();
    const offset = this.#memory.downstream.payloadOffset(this.#nextSlot);
    this.useSlots(1);
    return offset;
  }

  /** Queues bytes of the arena for a datagram client. */
  add(client: Client, offset: number, length: number): void {
    this.addTo(client.endpoint as DatagramEndpoint, client.address, offset, length);
  }

  /** Queues bytes of the arena for whoever is at `address` (borrowed). */
  addTo(
    endpoint: DatagramEndpoint,
    address: TransportAddress,
    offset: number,
    length: number,
  ): void {
    const { downstreamSend } = this.#memory;
    if (endpoint.fd !== this.#fd || downstreamSend.isFull) {
      this.#send();
      this.#fd = endpoint.fd;
    }
    downstreamSend.add(offset, length, address, endpoint.source);
  }

  /** Queues a copy of `bytes` for a datagram client. */
  addCopy(client: Client, bytes: Uint8Array): void {
    const offset = this.takeSlot();
    this.#memory.arena.bytes.set(bytes, offset);
    this.add(client, offset, bytes.length);
  }

  /** Sends everything and frees all slots. */
  flush(): void {
    this.#send();
    this.#nextSlot = 0;
  }

  #send(): void {
    const { downstreamSend } = this.#memory;
    if (downstreamSend.count > 0) downstreamSend.flush(this.#fd);
  }
}
