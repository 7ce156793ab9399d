const SECONDS_PER_MINUTE = 60;

/** Tells on standard error what is being measured and how much time is left. */
export class Progress {
  readonly #planned: number;
  readonly #startedMs = performance.now();
  #done = 0;

  /** @param plannedSeconds - of everything; by how much that is wrong is learnt on the way. */
  constructor(plannedSeconds: number) {
    this.#planned = plannedSeconds;
  }

  /** Tells that something begins. */
  begin(title: string): void {
    process.stderr.write(`${this.#describeTimeLeft()} left: ${title}\n`);
  }

  /** Notes that something is over that was planned to take so long. */
  finish(plannedSeconds: number): void {
    this.#done += plannedSeconds;
  }

  #describeTimeLeft(): string {
    const elapsed = (performance.now() - this.#startedMs) / 1000;
    const slowness = this.#done === 0 ? 1 : elapsed / this.#done;
    const seconds = Math.max(0, (this.#planned - this.#done) * slowness);
    return seconds < 2 * SECONDS_PER_MINUTE
      ? `${Math.ceil(seconds)} s`
      : `${Math.ceil(seconds / SECONDS_PER_MINUTE)} min`;
  }
}
