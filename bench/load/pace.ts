import { DurationHistogram } from './duration-histogram.ts';
import { Schedule } from './schedule.ts';

/** Tells when the next burst of one direction leaves, and whose it is. */
export interface Pace {
  /** Whose turn it is; meant only while `isDue`. */
  readonly client: number;
  /** True when a burst has to leave now or should have left already. */
  isDue(elapsedMicroseconds: number): boolean;
  /** Goes on to the next burst, since this one has just left. */
  advance(elapsedMicroseconds: number): void;
}

/** As fast as it goes, one client after the other. */
export class SaturatedPace implements Pace {
  client = 0;
  readonly #clients: number;

  constructor(clients: number) {
    this.#clients = clients;
  }

  isDue(): boolean {
    return true;
  }

  advance(): void {
    this.client = (this.client + 1) % this.#clients;
  }
}

/** By a schedule that whatever happens does not slow down: what is late leaves at once. */
export class ScheduledPace implements Pace {
  readonly #schedule: Schedule;
  readonly #lateness: DurationHistogram;

  /** @param lateness - takes how late every burst was. */
  constructor(schedule: Schedule, lateness: DurationHistogram) {
    this.#schedule = schedule;
    this.#lateness = lateness;
  }

  get client(): number {
    return this.#schedule.client;
  }

  isDue(elapsedMicroseconds: number): boolean {
    return this.#schedule.dueMicroseconds <= elapsedMicroseconds;
  }

  advance(elapsedMicroseconds: number): void {
    const lateMicroseconds = elapsedMicroseconds - this.#schedule.dueMicroseconds;
    // As nanoseconds in 32 bits it ends at two seconds.
    this.#lateness.add(lateMicroseconds < 2_000_000 ? (lateMicroseconds * 1000) | 0 : 2 ** 31 - 1);
    this.#schedule.advance();
  }
}
