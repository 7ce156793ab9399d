import type { MonotonicMs } from './policy.ts';

const TICK_MS = 1000;
const SLOTS = 4096;

/** Something that ends at a deadline; the deadline may move later at any time without telling the wheel. */
export interface Expiring {
  readonly expiresAtMs: MonotonicMs;
  /** True once the object is gone for another reason; the wheel then forgets it. */
  readonly isGone: boolean;
}

/**
 * A coarse timing wheel: one-second ticks, O(1) to add and to remove, nothing to do on a refresh (an entry whose
 * deadline moved later is put back when its old slot comes round). Deadlines further away than the wheel turns are
 * put back likewise.
 */
export class ExpiryWheel<T extends Expiring> {
  readonly #slots = Array.from({ length: SLOTS }, (): Set<T> | undefined => undefined);
  readonly #slotByEntry = new Map<T, number>();
  #tick = 0;
  /** End of the tick; kept, because drivers ask far more often than it changes and a result is a new number. */
  #deadline: MonotonicMs | undefined;

  /** Entries on the wheel; one that is gone counts until it is removed or its slot comes round. */
  get size(): number {
    return this.#slotByEntry.size;
  }

  /**
   * Adds an entry, or moves one whose deadline has come nearer.
   *
   * @param entry - its `expiresAtMs` may be in the past, it then fires with the next tick.
   */
  add(entry: T, now: MonotonicMs): void {
    if (this.size === 0) this.#setTick(tickOf(now));
    else this.remove(entry);
    this.#place(entry);
  }

  /** Forgets an entry, so that nothing of it is kept until its slot comes round; unknown ones are ignored. */
  remove(entry: T): void {
    const slot = this.#slotByEntry.get(entry);
    if (slot === undefined) return;
    this.#slotByEntry.delete(entry);
    this.#slots[slot]?.delete(entry);
  }

  /** When `advance` is worth calling next, or undefined while the wheel is empty. */
  nextDeadline(): MonotonicMs | undefined {
    return this.size === 0 ? undefined : this.#deadline;
  }

  /** Hands every entry whose deadline has passed to `onExpired`, once; it may add and remove entries. */
  advance(now: MonotonicMs, onExpired: (entry: T) => void): void {
    const until = tickOf(now);
    // After a long pause one turn of the wheel visits every slot; more would visit them again for nothing.
    if (until - this.#tick > SLOTS) this.#tick = until - SLOTS;
    while (this.#tick < until && this.size > 0) {
      this.#tick++;
      this.#visit(this.#tick & (SLOTS - 1), now, onExpired);
    }
    this.#setTick(Math.max(this.#tick, until));
  }

  #setTick(tick: number): void {
    this.#tick = tick;
    this.#deadline = ((tick + 1) * TICK_MS) as MonotonicMs;
  }

  #visit(slot: number, now: MonotonicMs, onExpired: (entry: T) => void): void {
    const due = this.#slots[slot];
    if (due === undefined) return;
    this.#slots[slot] = undefined;
    for (const entry of due) {
      // An earlier one of this slot may have removed or moved it meanwhile.
      if (this.#slotByEntry.get(entry) !== slot) continue;
      if (!entry.isGone && entry.expiresAtMs > now) {
        this.#place(entry);
        continue;
      }
      this.#slotByEntry.delete(entry);
      if (!entry.isGone) onExpired(entry);
    }
  }

  #place(entry: T): void {
    const wanted = Math.ceil(entry.expiresAtMs / TICK_MS);
    const tick = Math.min(Math.max(wanted, this.#tick + 1), this.#tick + SLOTS - 1);
    const slot = tick & (SLOTS - 1);
    (this.#slots[slot] ??= new Set()).add(entry);
    this.#slotByEntry.set(entry, slot);
  }
}

function tickOf(now: MonotonicMs): number {
  return Math.floor(now / TICK_MS);
}
