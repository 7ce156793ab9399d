/** Why a request was not admitted. */
export const REFUSAL_REASONS = [
  /** It has neither token nor certificate. */
  'missing',
  /** It has a token, but not the right one. */
  'wrong',
  /** Too many failures came from its address. */
  'throttled',
  /** It asks for a host name that is not this machine's own (DNS rebinding), or comes from elsewhere. */
  'host',
  /** A page of another origin made it. */
  'cross-site',
] as const;

/** One of `REFUSAL_REASONS`. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** Requests that were not admitted. */
export interface RefusalRecord {
  readonly reason: RefusalReason;
  /** Of the latest one. */
  readonly clientAddress: string;
  /** Further ones with the same reason since the last record. */
  readonly suppressed: number;
}

const RECORD_INTERVAL_MILLISECONDS = 1000;

/** Tells of refused requests, at most once a second for each reason. */
export class RefusalReporter {
  readonly #report: (record: RefusalRecord) => void;
  readonly #now: () => number;
  readonly #states = new Map<RefusalReason, { nextAt: number; suppressed: number }>();

  /** @param now - a clock that only goes forward, milliseconds. */
  constructor(report: (record: RefusalRecord) => void, now = () => performance.now()) {
    this.#report = report;
    this.#now = now;
  }

  /** Notes a refused request. */
  note(reason: RefusalReason, clientAddress: string): void {
    const now = this.#now();
    const state = this.#states.get(reason) ?? { nextAt: now, suppressed: 0 };
    this.#states.set(reason, state);
    if (now < state.nextAt) {
      state.suppressed += 1;
      return;
    }
    this.#report({ reason, clientAddress, suppressed: state.suppressed });
    state.nextAt = now + RECORD_INTERVAL_MILLISECONDS;
    state.suppressed = 0;
  }
}
