import { int32At, putUint32 } from '../../src/stun/big-endian.ts';

/** Numbers the packets of one run: each names its run, its client and its place in the sequence. */
export class PacketNumbers {
  readonly #run: number;
  readonly #sequences: Int32Array;

  constructor(run: number, clients: number) {
    this.#run = run;
    this.#sequences = new Int32Array(clients);
  }

  /** Writes the next number of a client at the beginning of a payload. */
  write(bytes: Uint8Array, payload: number, client: number): void {
    putUint32(bytes, payload, this.#run);
    putUint32(bytes, payload + 4, client);
    putUint32(bytes, payload + 8, this.#sequences[client]!++);
  }
}

/** Counts the packets of one run as they arrive; those of others do not count. */
export class PacketTally {
  received = 0;
  /** Packets that arrived behind a later one of the same client. */
  reordered = 0;
  readonly #run: number;
  readonly #latest: Int32Array;

  constructor(run: number, clients: number) {
    this.#run = run;
    this.#latest = new Int32Array(clients).fill(-1);
  }

  /** Looks at a payload that arrived. */
  count(bytes: Uint8Array, payload: number): void {
    if (int32At(bytes, payload) !== this.#run) return;
    const client = int32At(bytes, payload + 4);
    const sequence = int32At(bytes, payload + 8);
    this.received++;
    if (sequence < this.#latest[client]!) this.reordered++;
    else this.#latest[client] = sequence;
  }
}
