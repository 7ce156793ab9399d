import { Arena } from '../../src/sys/arena.ts';
import { SendBatch } from '../../src/sys/send-batch.ts';
import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { PAYLOAD_BYTES } from '../settings.ts';

/** The packets that are sent with one system call: each names its run, its client and its place in the sequence. */
export class Burst {
  /** How many packets it has. */
  readonly packets: number;
  readonly #arena = new Arena(1024 * 1024);
  readonly #batch: SendBatch;
  readonly #slots: number;
  readonly #headerBytes: number;
  readonly #run: number;
  readonly #sequences: Int32Array;

  /** @param header - goes in front of the payload; copied. */
  constructor(packets: number, clients: number, run: number, header: Uint8Array) {
    this.packets = packets;
    this.#batch = new SendBatch(this.#arena, packets);
    this.#headerBytes = header.length;
    this.#slots = this.#arena.allocate(packets * this.#slotBytes);
    this.#run = run;
    this.#sequences = new Int32Array(clients);
    for (let slot = 0; slot < packets; slot++) {
      this.#arena.bytes.set(header, this.#slots + slot * this.#slotBytes);
    }
  }

  /** Adds the next packet of a client. */
  add(client: number, destination: TransportAddress): void {
    const start = this.#slots + this.#batch.count * this.#slotBytes;
    const payload = start + this.#headerBytes;
    const { view } = this.#arena;
    view.setInt32(payload, this.#run);
    view.setInt32(payload + 4, client);
    view.setInt32(payload + 8, this.#sequences[client]!++);
    this.#batch.add(start, this.#slotBytes, destination);
  }

  /** Sends what was added. */
  send(fd: number): void {
    this.#batch.flush(fd);
  }

  get #slotBytes(): number {
    return this.#headerBytes + PAYLOAD_BYTES;
  }
}
