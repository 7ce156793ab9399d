import type { TransportAddress } from '../stun/transport-address.ts';

/** Which part of an address makes it the key of an `AddressTable`. */
export type AddressKey = 'ip' | 'ipAndPort';

const CAPACITY_MIN = 4;

/**
 * A hash table from transport addresses to objects that looks up without allocating: open addressing with linear
 * probing, at most half full, backward-shift deletion. A small empty table costs two empty arrays.
 */
export class AddressTable<T extends object> {
  readonly #ignoresPort: boolean;
  #addresses: (TransportAddress | undefined)[] = [];
  #values: (T | undefined)[] = [];
  #size = 0;

  constructor(key: AddressKey) {
    this.#ignoresPort = key === 'ip';
  }

  /** Number of entries. */
  get size(): number {
    return this.#size;
  }

  /** The value stored for `address` (borrowed), or undefined. */
  get(address: TransportAddress): T | undefined {
    return this.#size === 0 ? undefined : this.#values[this.#slotOf(address)];
  }

  /** Stores `value`; `address` is kept and must not change afterwards. */
  set(address: TransportAddress, value: T): void {
    if ((this.#size + 1) * 2 > this.#values.length) this.#grow();
    const slot = this.#slotOf(address);
    if (this.#values[slot] === undefined) this.#size++;
    this.#addresses[slot] = address;
    this.#values[slot] = value;
  }

  /** Removes the entry of `address`; true when there was one. */
  delete(address: TransportAddress): boolean {
    if (this.#size === 0) return false;
    let hole = this.#slotOf(address);
    if (this.#values[hole] === undefined) return false;
    this.#size--;
    const mask = this.#values.length - 1;
    for (let slot = (hole + 1) & mask; this.#values[slot] !== undefined; slot = (slot + 1) & mask) {
      const distanceFromHome =
        (slot - this.#homeOf(this.#addresses[slot] as TransportAddress)) & mask;
      if (distanceFromHome >= ((slot - hole) & mask)) {
        this.#addresses[hole] = this.#addresses[slot];
        this.#values[hole] = this.#values[slot];
        hole = slot;
      }
    }
    this.#addresses[hole] = undefined;
    this.#values[hole] = undefined;
    return true;
  }

  /** A copy of all values, in no particular order; control path only. */
  values(): T[] {
    return this.#values.filter((value) => value !== undefined);
  }

  #homeOf(address: TransportAddress): number {
    return (this.#ignoresPort ? address.hashIp() : address.hash()) & (this.#values.length - 1);
  }

  /** The slot that holds `address`, or the free slot where it belongs. */
  #slotOf(address: TransportAddress): number {
    const mask = this.#values.length - 1;
    let slot = this.#homeOf(address);
    for (;;) {
      const candidate = this.#addresses[slot];
      if (candidate === undefined) return slot;
      if (this.#ignoresPort ? candidate.equalsIp(address) : candidate.equals(address)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const addresses = this.#addresses;
    const values = this.#values;
    const capacity = Math.max(CAPACITY_MIN, values.length * 2);
    this.#addresses = new Array<TransportAddress | undefined>(capacity).fill(undefined);
    this.#values = new Array<T | undefined>(capacity).fill(undefined);
    for (let index = 0; index < values.length; index++) {
      const address = addresses[index];
      if (address === undefined) continue;
      const slot = this.#slotOf(address);
      this.#addresses[slot] = address;
      this.#values[slot] = values[index];
    }
  }
}
