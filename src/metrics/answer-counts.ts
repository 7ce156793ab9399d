/** Statuses that an HTTP interface is known to answer with, so that their counts exist from the start. */
const STATUSES = [200, 400, 401, 404, 405, 413, 414, 429, 500];

/** Counts the answers of an HTTP interface. */
export class AnswerCounts {
  readonly #byStatus = new Map<number, number>(STATUSES.map((status) => [status, 0]));

  /** How many answers there were, by status. */
  get byStatus(): ReadonlyMap<number, number> {
    return this.#byStatus;
  }

  /** Counts one answer. */
  count(status: number): void {
    this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1);
  }
}
