import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { Arena } from '../../src/sys/arena.ts';
import { SendBatch } from '../../src/sys/send-batch.ts';
import { closeSocket, openUdpSocket } from '../../src/sys/socket.ts';
import type { Owner } from '../../test/support/owner.ts';

const BATCH = 64;
const PAYLOAD_BYTES = 64;
const ARENA_BYTES = 1024 * 1024;

/** A UDP socket that sends the same payload to many addresses, batch by batch. */
export class DatagramGun {
  readonly #arena = new Arena(ARENA_BYTES);
  readonly #batch = new SendBatch(this.#arena, BATCH, false);
  readonly #payload = this.#arena.allocate(PAYLOAD_BYTES);
  readonly #fd: number;

  /** @param source - what the datagrams come from. */
  constructor(owner: Owner, source: TransportAddress) {
    this.#fd = openUdpSocket({ address: source });
    owner.teardown(() => closeSocket(this.#fd));
  }

  /** Sends one datagram to each destination; returns how many the kernel took. */
  fire(destinations: readonly TransportAddress[]): number {
    let failed = 0;
    for (const destination of destinations) {
      this.#batch.add(this.#payload, PAYLOAD_BYTES, destination);
      if (this.#batch.isFull) failed += this.#batch.flush(this.#fd);
    }
    if (this.#batch.count > 0) failed += this.#batch.flush(this.#fd);
    return destinations.length - failed;
  }
}
