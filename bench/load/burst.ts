import { Arena } from '../../src/sys/arena.ts';
import { SendBatch } from '../../src/sys/send-batch.ts';
import type { TransportAddress } from '../../src/stun/transport-address.ts';
import type { PacketNumbers } from './numbered-packets.ts';

const ARENA_BYTES = 1024 * 1024;

/** The datagrams that are sent with one system call, each with a number; nothing segments them but the network. */
export class Burst {
  readonly #arena = new Arena(ARENA_BYTES);
  readonly #batch: SendBatch;
  readonly #slots: number;
  readonly #slotBytes: number;
  readonly #headerBytes: number;
  readonly #numbers: PacketNumbers;

  /**
   * @param packets - how many it has room for.
   * @param header - goes in front of the payload; copied.
   */
  constructor(packets: number, numbers: PacketNumbers, header: Uint8Array, payloadBytes: number) {
    this.#batch = new SendBatch(this.#arena, packets, false);
    this.#headerBytes = header.length;
    this.#slotBytes = header.length + payloadBytes;
    this.#slots = this.#arena.allocate(packets * this.#slotBytes);
    this.#numbers = numbers;
    for (let slot = 0; slot < packets; slot++) {
      this.#arena.bytes.set(header, this.#slots + slot * this.#slotBytes);
    }
  }

  /** True when it has to be sent before the next `add`. */
  get isFull(): boolean {
    return this.#batch.isFull;
  }

  /** Adds the next packet of a client. */
  add(client: number, stamp: number, destination: TransportAddress): void {
    const start = this.#slots + this.#batch.count * this.#slotBytes;
    this.#numbers.write(this.#arena.bytes, start + this.#headerBytes, client, stamp);
    this.#batch.add(start, this.#slotBytes, destination);
  }

  /** Sends what was added; returns how many packets the socket took. */
  send(fd: number): number {
    const { count } = this.#batch;
    return count - this.#batch.flush(fd);
  }
}
