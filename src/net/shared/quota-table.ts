import { ALLOCATIONS_CAPACITY } from '../../limits.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import type { QuotaPolicy, QuotaRefusal } from '../../turn/policy.ts';
import { networkOf } from './connection-counts.ts';
import { SpinLock } from './spin-lock.ts';
import { keyOf, type TextKey } from './text-key.ts';

const LOCK = 0;
const HEADER_WORDS = 1;
const REGION_HEADER_WORDS = 1;
const SLOT_WORDS = 3;
/** Two keys for each allocation, at most half full: a power of two. */
const SLOTS = ALLOCATIONS_CAPACITY * 4;
const REGION_WORDS = REGION_HEADER_WORDS + SLOTS * SLOT_WORDS;

/** How many allocations there may be. */
export interface QuotaLimits {
  /** Over all clients. */
  readonly allocationsMax: number;
  /** Of one client: an IPv4 address or an IPv6 /64. */
  readonly allocationsPerAddressMax: number;
  /** Of one user id, and as many again that are degraded; 0 means no quota. */
  readonly allocationsPerUserMax: number;
}

/** Memory for the counts of `workers` threads; pass it to each of them. */
export function createQuotaMemory(workers: number): SharedArrayBuffer {
  const words = HEADER_WORDS + workers * REGION_WORDS;
  return new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT);
}

/** Allocations over all workers; may be asked by anybody at any time. */
export function countAllocations(memory: SharedArrayBuffer): number {
  const words = new Int32Array(memory);
  let count = 0;
  for (let at = HEADER_WORDS; at < words.length; at += REGION_WORDS) count += words[at]!;
  return count;
}

/** Forgets what a worker that is dead had counted; `memory` comes from `createQuotaMemory`. */
export function clearQuota(memory: SharedArrayBuffer, worker: number): void {
  const words = new Int32Array(memory);
  const start = regionOf(worker);
  // Named as the dead worker itself, since no other thread may act under this name now.
  const lock = new SpinLock(words, LOCK, worker + 1);
  lock.breakFor(worker + 1);
  lock.run(() => words.fill(0, start, start + REGION_WORDS));
}

/**
 * Counts allocations by user and by client address over all workers together.
 *
 * Every worker writes only its own region, a hash table from a 64-bit key to a count, and reads those of the others;
 * so the counts of a worker that died vanish when its region is cleared.
 */
export class QuotaTable implements QuotaPolicy {
  /** May change; who has more than it allows keeps what there is. */
  limits: QuotaLimits;
  readonly #words: Int32Array;
  readonly #workers: number;
  readonly #region: number;
  readonly #lock: SpinLock;

  /** `worker` counts from 0; `memory` comes from `createQuotaMemory`. */
  constructor(memory: SharedArrayBuffer, worker: number, limits: QuotaLimits) {
    this.#words = new Int32Array(memory);
    this.limits = limits;
    this.#workers = (this.#words.length - HEADER_WORDS) / REGION_WORDS;
    this.#region = regionOf(worker);
    this.#lock = new SpinLock(this.#words, LOCK, worker + 1);
  }

  acquire(
    userId: string,
    client: TransportAddress,
    isBeyondUserQuota = false,
  ): QuotaRefusal | undefined {
    const user = keyOf(`user ${userId}`);
    const address = keyOf(`address ${networkOf(client)}`);
    const { allocationsMax, allocationsPerAddressMax, allocationsPerUserMax } = this.limits;
    const userMax = isBeyondUserQuota ? 2 * allocationsPerUserMax : allocationsPerUserMax;
    return this.#lock.run(() => {
      if (allocationsPerUserMax > 0 && this.#count(user) >= userMax) return 'userQuotaReached';
      if (this.#count(address) >= allocationsPerAddressMax) return 'addressQuotaReached';
      if (this.#total() >= Math.min(allocationsMax, ALLOCATIONS_CAPACITY))
        return 'insufficientCapacity';
      this.#add(user, 1);
      this.#add(address, 1);
      this.#words[this.#region]! += 1;
      return undefined;
    });
  }

  release(userId: string, client: TransportAddress): void {
    const user = keyOf(`user ${userId}`);
    const address = keyOf(`address ${networkOf(client)}`);
    this.#lock.run(() => {
      this.#add(user, -1);
      this.#add(address, -1);
      this.#words[this.#region]! -= 1;
    });
  }

  /** Allocations over all workers. */
  get total(): number {
    return this.#lock.run(() => this.#total());
  }

  #total(): number {
    let total = 0;
    for (let worker = 0; worker < this.#workers; worker++) total += this.#words[regionOf(worker)]!;
    return total;
  }

  #count(key: TextKey): number {
    let count = 0;
    for (let worker = 0; worker < this.#workers; worker++) {
      count += this.#words[this.#slotOf(regionOf(worker), key) + 2]!;
    }
    return count;
  }

  #add(key: TextKey, change: 1 | -1): void {
    const slot = this.#slotOf(this.#region, key);
    this.#words[slot] = key.high;
    this.#words[slot + 1] = key.low;
    this.#words[slot + 2]! += change;
    if (this.#words[slot + 2] === 0) this.#remove(slot);
  }

  /** Index of the slot of a key in a region, or of the free slot (count 0) where it belongs. */
  #slotOf(region: number, key: TextKey): number {
    let index = key.low & (SLOTS - 1);
    for (;;) {
      const slot = this.#slotAt(region, index);
      if (this.#words[slot + 2] === 0) return slot;
      if (this.#words[slot] === key.high && this.#words[slot + 1] === key.low) return slot;
      index = (index + 1) & (SLOTS - 1);
    }
  }

  #slotAt(region: number, index: number): number {
    return region + REGION_HEADER_WORDS + index * SLOT_WORDS;
  }

  /** Closes the gap that an emptied slot leaves in its probe sequence. */
  #remove(emptied: number): void {
    const mask = SLOTS - 1;
    let hole = (emptied - this.#region - REGION_HEADER_WORDS) / SLOT_WORDS;
    for (let index = (hole + 1) & mask; ; index = (index + 1) & mask) {
      const slot = this.#slotAt(this.#region, index);
      if (this.#words[slot + 2] === 0) break;
      const distanceFromHome = (index - (this.#words[slot + 1]! & mask)) & mask;
      if (distanceFromHome < ((index - hole) & mask)) continue;
      this.#words.copyWithin(this.#slotAt(this.#region, hole), slot, slot + SLOT_WORDS);
      hole = index;
    }
    const slot = this.#slotAt(this.#region, hole);
    this.#words.fill(0, slot, slot + SLOT_WORDS);
  }
}

function regionOf(worker: number): number {
  return HEADER_WORDS + worker * REGION_WORDS;
}
