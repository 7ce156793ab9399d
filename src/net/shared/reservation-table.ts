import { RESERVATIONS_MAX } from '../../limits.ts';
import type { AddressFamily } from '../../stun/transport-address.ts';
import type { Reservation, ReservationStore } from '../../turn/policy.ts';
import { SpinLock } from './spin-lock.ts';

const HEADER_WORDS = 1;
/** Owner (0: free), token in two words, family, port, handle. */
const SLOT_WORDS = 6;

/** Memory for the reservations of all workers. */
export function createReservationMemory(): SharedArrayBuffer {
  const words = HEADER_WORDS + RESERVATIONS_MAX * SLOT_WORDS;
  return new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT);
}

/** Reserved relayed transport addresses of all workers, since a token may arrive at any of them (RFC 8656 §7.2). */
export class ReservationTable implements ReservationStore {
  readonly #words: Int32Array;
  readonly #owner: number;
  readonly #lock: SpinLock;

  /** `worker` counts from 0; `memory` comes from `createReservationMemory`. */
  constructor(memory: SharedArrayBuffer, worker: number) {
    this.#words = new Int32Array(memory);
    this.#owner = worker + 1;
    this.#lock = new SpinLock(this.#words, 0, this.#owner);
  }

  put(reservation: Reservation): boolean {
    return this.#lock.run(() => {
      const slot = this.#find((at) => this.#words[at] === 0);
      if (slot === undefined) return false;
      const [high, low] = tokenWords(reservation.token);
      this.#words.set(
        [this.#owner, high, low, reservation.family, reservation.port, reservation.handle],
        slot,
      );
      return true;
    });
  }

  take(token: string): Reservation | undefined {
    const [high, low] = tokenWords(token);
    return this.#lock.run(() => {
      const words = this.#words;
      const slot = this.#find(
        (at) => words[at] !== 0 && words[at + 1] === high && words[at + 2] === low,
      );
      if (slot === undefined) return undefined;
      words[slot] = 0;
      const family = words[slot + 3] as AddressFamily;
      return { token, family, port: words[slot + 4]!, handle: words[slot + 5]! };
    });
  }

  /** Forgets the reservations of a worker that is dead; their sockets are closed by whoever closes all of its own. */
  clear(worker: number): void {
    this.#lock.breakFor(worker + 1);
    this.#lock.run(() => {
      for (let slot = HEADER_WORDS; slot < this.#words.length; slot += SLOT_WORDS) {
        if (this.#words[slot] === worker + 1) this.#words[slot] = 0;
      }
    });
  }

  #find(matches: (slot: number) => boolean): number | undefined {
    for (let slot = HEADER_WORDS; slot < this.#words.length; slot += SLOT_WORDS) {
      if (matches(slot)) return slot;
    }
    return undefined;
  }
}

function tokenWords(token: string): [number, number] {
  const bytes = Buffer.from(token, 'hex');
  return [bytes.readInt32BE(0), bytes.readInt32BE(4)];
}
