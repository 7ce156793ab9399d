/** How long things are measured, seconds. */
export interface Durations {
  /** Before a case that takes another path through a server: V8 compiles the gateway and the generator meanwhile. */
  readonly firstWarmUp: number;
  /** Before every other case. */
  readonly warmUp: number;
  readonly measured: number;
  /** Instead, where latency is compared: one pause of the machine is a percent of the packets of a second. */
  readonly measuredPaced: number;
  /** Of one rate when the highest is looked for. */
  readonly probe: number;
}

/** For figures to quote. */
export const FULL: Durations = {
  firstWarmUp: 3,
  warmUp: 0.3,
  measured: 1,
  measuredPaced: 3,
  probe: 0.6,
};
/** For a first look. */
export const QUICK: Durations = {
  firstWarmUp: 0.7,
  warmUp: 0.2,
  measured: 0.8,
  measuredPaced: 0.8,
  probe: 0.75,
};

/** What a start of a server, a run's silence at its end and the like take about, seconds; for time left only. */
export const ABOUT = { start: 1.5, silence: 0.3, allocationsPerSecond: 4000 } as const;

/** The durations that a case of a group has. */
export function durationsOf(group: string, durations: Durations): Durations {
  return group === 'paced' ? { ...durations, measured: durations.measuredPaced } : durations;
}
