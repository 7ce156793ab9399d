/** One thing that is measured without a pause: a server in one round, for example. */
export interface Job {
  readonly title: string;
  /** About how long it takes. */
  readonly seconds: number;
  /** Measures it and keeps what comes out; throws only when nothing more can be measured. */
  readonly run: () => Promise<void>;
}
