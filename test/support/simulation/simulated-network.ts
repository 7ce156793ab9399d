import type { SeededRandom } from '../core/seeded-random.ts';

/** How bad a network is, each out of a thousand datagrams; what arrives takes one tick to `delayTicksMax`. */
export interface NetworkFaults {
  readonly lost: number;
  readonly duplicated: number;
  readonly corrupted: number;
  readonly delayTicksMax: number;
}

/** A packet under way. */
export interface Delivery<Packet> {
  readonly packet: Packet;
  readonly isCorrupt: boolean;
}

const RELIABLE_DELAY_TICKS = 3;

/** Loses, doubles, delays and corrupts packets; those of streams arrive once, whole and in order. */
export class SimulatedNetwork<Packet> {
  readonly counts = { sent: 0, lost: 0, duplicated: 0, corrupted: 0 };
  readonly #random: SeededRandom;
  readonly #faults: NetworkFaults;
  /** By the tick in which they arrive. */
  readonly #underWay = new Map<number, Delivery<Packet>[]>();

  constructor(random: SeededRandom, faults: NetworkFaults) {
    this.#random = random;
    this.#faults = faults;
  }

  /** Takes a packet at a tick; `isCorruptible` is false when a changed byte would go unnoticed. */
  send(packet: Packet, tick: number, isReliable: boolean, isCorruptible: boolean): void {
    this.counts.sent++;
    if (isReliable) return this.#put(tick + RELIABLE_DELAY_TICKS, { packet, isCorrupt: false });
    const { lost, duplicated, corrupted } = this.#faults;
    let copies = 1;
    if (this.#happens(lost)) {
      this.counts.lost++;
      copies = 0;
    } else if (this.#happens(duplicated)) {
      this.counts.duplicated++;
      copies = 2;
    }
    for (; copies > 0; copies--) {
      const isCorrupt = isCorruptible && this.#happens(corrupted);
      if (isCorrupt) this.counts.corrupted++;
      this.#put(tick + 1 + this.#random.below(this.#faults.delayTicksMax), { packet, isCorrupt });
    }
  }

  /** What arrives in a tick. */
  arrivals(tick: number): readonly Delivery<Packet>[] {
    const due = this.#underWay.get(tick);
    this.#underWay.delete(tick);
    return due ?? [];
  }

  #happens(perThousand: number): boolean {
    return this.#random.below(1000) < perThousand;
  }

  #put(tick: number, delivery: Delivery<Packet>): void {
    const due = this.#underWay.get(tick);
    if (due === undefined) this.#underWay.set(tick, [delivery]);
    else due.push(delivery);
  }
}
