import type { TransportAddress } from '../../../src/stun/transport-address.ts';
import type {
  QuotaPolicy,
  RandomSource,
  Reservation,
  ReservationStore,
} from '../../../src/turn/policy.ts';

/** Quotas in memory that also notice a place given back twice. */
export class MemoryQuota implements QuotaPolicy {
  perUserMax = Infinity;
  totalMax = Infinity;
  readonly takenByUser = new Map<string, number>();

  acquire(userId: string): 'allocationQuotaReached' | 'insufficientCapacity' | undefined {
    const taken = this.takenByUser.get(userId) ?? 0;
    if (taken >= this.perUserMax) return 'allocationQuotaReached';
    if (this.total >= this.totalMax) return 'insufficientCapacity';
    this.takenByUser.set(userId, taken + 1);
    return undefined;
  }

  release(userId: string, _client: TransportAddress): void {
    const taken = this.takenByUser.get(userId) ?? 0;
    if (taken === 0) throw new Error(`${userId} gave back a place twice`);
    this.takenByUser.set(userId, taken - 1);
  }

  /** Places taken by all users. */
  get total(): number {
    return [...this.takenByUser.values()].reduce((sum, taken) => sum + taken, 0);
  }
}

/** Reservations in memory. */
export class MemoryReservations implements ReservationStore {
  max = 16;
  readonly byToken = new Map<string, Reservation>();

  put(reservation: Reservation): boolean {
    if (this.byToken.size >= this.max) return false;
    this.byToken.set(reservation.token, reservation);
    return true;
  }

  take(token: string): Reservation | undefined {
    const reservation = this.byToken.get(token);
    this.byToken.delete(token);
    return reservation;
  }
}

/** Delegates to another source and can be told what the next bounded numbers are. */
export class ScriptedRandom implements RandomSource {
  readonly script: number[] = [];
  readonly #source: RandomSource;

  constructor(source: RandomSource) {
    this.#source = source;
  }

  fill(bytes: Uint8Array): void {
    this.#source.fill(bytes);
  }

  below(bound: number): number {
    return this.script.shift() ?? this.#source.below(bound);
  }
}
