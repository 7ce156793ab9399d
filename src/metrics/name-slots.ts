import { METRIC_NAMES_MAX } from '../limits.ts';

/** Slots of statistics by name of a listener or cluster; plain data. */
export type SlotByName = ReadonlyMap<string, number>;

/** The slot of everything that came when all others were taken. */
export const OTHER_SLOT = 0;

/** Gives listeners or clusters a place in the statistics, for good: who comes back goes on counting. */
export class NameSlots {
  readonly #slotByName = new Map<string, number>();

  /** The slots of all names so far; one without a slot shares `OTHER_SLOT`. */
  get all(): SlotByName {
    return new Map(this.#slotByName);
  }

  /** Gives names their slots, as long as there are any. */
  assign(names: readonly string[]): void {
    for (const name of names) {
      const slot = this.#slotByName.size + 1;
      if (slot < METRIC_NAMES_MAX && !this.#slotByName.has(name)) this.#slotByName.set(name, slot);
    }
  }
}
