import { Arena } from '../../src/sys/arena.ts';
import { SendBatch } from '../../src/sys/send-batch.ts';
import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { PAYLOAD_BYTES } from '../settings.ts';
import type { PacketNumbers } from './numbered-packets.ts';

/** The datagrams that are sent with one system call, each with a number. */
export class Burst {
  /** How many packets it has. */
  readonly packets: number;
  readonly #arena = new Arena(1024 * 1024);
  readonly #batch: SendBatch;
  readonly #slots: number;
  readonly #headerBytes: number;
  readonly #numbers: PacketNumbers;

  /** @param header - goes in front of the payload; copied. */
  constructor(packets: number, numbers: PacketNumbers, header: Uint8Array) {
    this.packets = packets;
    this.#batch = new SendBatch(this.#arena, packets);
    this.#headerBytes = header.length;
    this.#slots = this.#arena.allocate(packets * this.#slotBytes);
    this.#numbers = numbers;
    for (let slot = 0; slot < packets; slot++) {
      this.#arena.bytes.set(header, this.#slots + slot * this.#slotBytes);
    }
  }

  /** Adds the next packet of a client. */
  add(client: number, destination: TransportAddress): void {
    const start = this.#slots + this.#batch.count * this.#slotBytes;
    this.#numbers.write(this.#arena.bytes, start + this.#headerBytes, client);
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
