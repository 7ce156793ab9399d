/** How a scenario is to run. */
export interface ScenarioOptions {
  /** What numbers of messages and durations are multiplied with; 1 is a minute or two. */
  readonly scale: number;
  /** What everything random follows from. */
  readonly seed: number;
  /** Tells how far it is. */
  readonly progress: (line: string) => void;
}

/** One thing that a scenario found out. */
export interface Finding {
  /** What was measured, and on what: `Binding flood, calls kept`. */
  readonly what: string;
  /** The figure with its unit: `99.97 % of 412,000 packets`. */
  readonly figure: string;
  /** What the figure has to be: `>= 99 %`. */
  readonly bound: string;
  readonly holds: boolean;
}

/** Something that is promised, and how anyone can see that it holds. */
export interface Scenario {
  /** What it is called on the command line: `binding-flood`. */
  readonly name: string;
  /** The promise, in one sentence. */
  readonly promise: string;
  /** Says why it cannot run on this machine; false when it can. */
  readonly missing: () => string | false;
  /** Ends whatever it started, also when it throws: what kept it from finding out anything. */
  readonly run: (options: ScenarioOptions) => Promise<readonly Finding[]>;
}
