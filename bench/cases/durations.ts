/** How long things are measured, seconds. */
export interface Durations {
  /** Before the first case of a server: V8 compiles the gateway and the generator meanwhile. */
  readonly firstWarmUp: number;
  /** Before every other case. */
  readonly warmUp: number;
  readonly measured: number;
  /** Of one rate when the highest is looked for. */
  readonly probe: number;
}

/** For figures to quote. */
export const FULL: Durations = { firstWarmUp: 3, warmUp: 0.3, measured: 1, probe: 0.6 };
/** For a first look. */
export const QUICK: Durations = { firstWarmUp: 0.7, warmUp: 0.2, measured: 0.8, probe: 0.75 };

/** What a start of a server, a run's silence at its end and the like take about, seconds; for time left only. */
export const ABOUT = { start: 1.5, silence: 0.3, allocationsPerSecond: 4000 } as const;
