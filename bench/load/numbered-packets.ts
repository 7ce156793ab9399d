import { int32At, putUint32 } from '../../src/stun/big-endian.ts';
import type { DurationHistogram } from './duration-histogram.ts';

/** Bytes of a packet's number, and so the fewest that it can have. */
export const NUMBER_BYTES = 16;

/** Numbers the packets of one run: each names its run, its client, its place in the sequence and when it was sent. */
export class PacketNumbers {
  readonly #run: number;
  readonly #sequences: Int32Array;

  constructor(run: number, clients: number) {
    this.#run = run;
    this.#sequences = new Int32Array(clients);
  }

  /** Writes the next number of a client at the beginning of a payload. */
  write(bytes: Uint8Array, payload: number, client: number, stamp: number): void {
    putUint32(bytes, payload, this.#run);
    putUint32(bytes, payload + 4, client);
    putUint32(bytes, payload + 8, this.#sequences[client]!++);
    putUint32(bytes, payload + 12, stamp);
  }
}

/** Counts the packets of one run as they arrive; those of others do not count. */
export class PacketTally {
  received = 0;
  /** Packets that arrived behind a later one of the same client. */
  reordered = 0;
  readonly #run: number;
  readonly #latest: Int32Array;
  readonly #latencies: DurationHistogram;

  /** @param latencies - takes how long packets were under way. */
  constructor(run: number, clients: number, latencies: DurationHistogram) {
    this.#run = run;
    this.#latest = new Int32Array(clients).fill(-1);
    this.#latencies = latencies;
  }

  /**
   * Looks at a payload that arrived; one that is too short for a number is not of this run.
   *
   * @param stamp - when it arrived, 0 if nobody knows.
   */
  count(bytes: Uint8Array, payload: number, length: number, stamp: number): void {
    if (length < NUMBER_BYTES || int32At(bytes, payload) !== this.#run) return;
    const client = int32At(bytes, payload + 4);
    const sequence = int32At(bytes, payload + 8);
    this.received++;
    if (sequence < this.#latest[client]!) this.reordered++;
    else this.#latest[client] = sequence;
    if (stamp !== 0) this.#latencies.add((stamp - int32At(bytes, payload + 12)) | 0);
  }
}
