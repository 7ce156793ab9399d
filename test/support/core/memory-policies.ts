import type { TransportAddress } from '../../../src/stun/transport-address.ts';
import { DROP_REASONS, type DropReason } from '../../../src/turn/commands.ts';
import type { TurnCounters } from '../../../src/turn/counters.ts';
import type {
  MonotonicMs,
  QuotaPolicy,
  QuotaRefusal,
  RandomSource,
  RatePolicy,
  Reservation,
  ReservationStore,
  UserMeter,
} from '../../../src/turn/policy.ts';
import { TrafficCounter } from '../../../src/turn/traffic.ts';

/** Quotas in memory that also notice a place given back twice. */
export class MemoryQuota implements QuotaPolicy {
  perUserMax = Infinity;
  perAddressMax = Infinity;
  totalMax = Infinity;
  readonly takenByUser = new Map<string, number>();
  readonly #takenByAddress = new Map<string, number>();

  acquire(
    userId: string,
    client: TransportAddress,
    isBeyondUserQuota = false,
  ): QuotaRefusal | undefined {
    const taken = this.takenByUser.get(userId) ?? 0;
    const takenHere = this.#takenByAddress.get(client.ip()) ?? 0;
    const mayTake = isBeyondUserQuota ? 2 * this.perUserMax : this.perUserMax;
    if (taken >= mayTake) return 'userQuotaReached';
    if (takenHere >= this.perAddressMax) return 'addressQuotaReached';
    if (this.total >= this.totalMax) return 'insufficientCapacity';
    this.takenByUser.set(userId, taken + 1);
    this.#takenByAddress.set(client.ip(), takenHere + 1);
    return undefined;
  }

  release(userId: string, client: TransportAddress): void {
    const taken = this.takenByUser.get(userId) ?? 0;
    const takenHere = this.#takenByAddress.get(client.ip()) ?? 0;
    if (taken === 0 || takenHere === 0) throw new Error(`${userId} gave back a place twice`);
    this.takenByUser.set(userId, taken - 1);
    this.#takenByAddress.set(client.ip(), takenHere - 1);
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

/** Rates of users and strangers that a test sets; counts what it was asked. */
export class MemoryRates implements RatePolicy {
  /** Packets that each user may still have, up and down; a user who is not named has no limit. */
  readonly packetsLeft = new Map<string, { up: number; down: number }>();
  /** Answers that strangers may still have at each IP address. */
  answersLeft = Infinity;
  readonly answersByAddress = new Map<string, number>();
  /** Bytes of each user that were admitted. */
  readonly bytesByUser = new Map<string, { up: number; down: number }>();

  meterOf(userId: string): UserMeter {
    return { admit: (isUp, bytes) => this.#admit(userId, isUp ? 'up' : 'down', bytes) };
  }

  admitsAnswer(client: TransportAddress, _now: MonotonicMs): boolean {
    const given = this.answersByAddress.get(client.ip()) ?? 0;
    if (given >= this.answersLeft) return false;
    this.answersByAddress.set(client.ip(), given + 1);
    return true;
  }

  #admit(userId: string, way: 'up' | 'down', bytes: number): boolean {
    const left = this.packetsLeft.get(userId);
    if (left !== undefined && left[way]-- <= 0) return false;
    const total = this.bytesByUser.get(userId) ?? { up: 0, down: 0 };
    total[way] += bytes;
    this.bytesByUser.set(userId, total);
    return true;
  }
}

/** Counters that a test reads. */
export class MemoryCounters implements TurnCounters {
  readonly drops = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<
    DropReason,
    number
  >;
  /** Error responses by method and code, such as `3 401`. */
  readonly errors = new Map<string, number>();
  readonly #traffic = new Map<string, TrafficCounter>();

  countDrop(reason: DropReason): void {
    this.drops[reason]++;
  }

  countError(method: number, code: number): void {
    const key = `${method} ${code}`;
    this.errors.set(key, (this.errors.get(key) ?? 0) + 1);
  }

  ofListener(name: string): TrafficCounter {
    return this.#trafficOf(`listener ${name}`);
  }

  ofCluster(name: string): TrafficCounter {
    return this.#trafficOf(`cluster ${name}`);
  }

  #trafficOf(key: string): TrafficCounter {
    const known = this.#traffic.get(key);
    if (known !== undefined) return known;
    const counter = new TrafficCounter();
    this.#traffic.set(key, counter);
    return counter;
  }
}

/** Packets and bytes of a counter: received, then sent. */
export function trafficValues(counter: TrafficCounter): [number, number, number, number] {
  const { receivedPackets, receivedBytes, sentPackets, sentBytes } = counter;
  return [receivedPackets, receivedBytes, sentPackets, sentBytes];
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
