/** Numbers of one counter. */
export const TRAFFIC_VALUES = 4;

/**
 * Packets and bytes both ways, kept in memory that others may read while it is written; one writer, no objects.
 *
 * What is received by a listener or an allocation comes from clients, what is received by a cluster from peers.
 */
export class TrafficCounter {
  readonly #values: Float64Array;
  readonly #offset: number;

  /** @param values - borrowed for good; the numbers lie at `offset`, `TRAFFIC_VALUES` of them. */
  constructor(values: Float64Array = new Float64Array(TRAFFIC_VALUES), offset = 0) {
    this.#values = values;
    this.#offset = offset;
  }

  get receivedPackets(): number {
    return this.#values[this.#offset]!;
  }

  get receivedBytes(): number {
    return this.#values[this.#offset + 1]!;
  }

  get sentPackets(): number {
    return this.#values[this.#offset + 2]!;
  }

  get sentBytes(): number {
    return this.#values[this.#offset + 3]!;
  }

  /** Counts one packet that came in. */
  countReceived(bytes: number): void {
    const values = this.#values;
    const offset = this.#offset;
    values[offset] = values[offset]! + 1;
    values[offset + 1] = values[offset + 1]! + bytes;
  }

  /** Counts one packet that went out. */
  countSent(bytes: number): void {
    const values = this.#values;
    const offset = this.#offset + 2;
    values[offset] = values[offset]! + 1;
    values[offset + 1] = values[offset + 1]! + bytes;
  }
}

/** Counts what belongs to nobody; nobody reads it. */
export const UNCOUNTED = new TrafficCounter();
