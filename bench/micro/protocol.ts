/** What a process of micro benches is told, as JSON on its command line; older versions have to understand it. */
export type GroupOrder =
  /** Answered with a `GroupSummary` for each group. */
  | { readonly kind: 'groups' }
  /** Answered with a `TimeFigure` for each case of the group whose `group: name` contains `filter`. */
  | {
      readonly kind: 'time';
      readonly group: string;
      readonly filter: string;
      /** For each case, and as long again to warm up. */
      readonly milliseconds: number;
    }
  /** Answered with an `AllocationFigure` for each such case; needs `ALLOCATION_OPTIONS`. */
  | {
      readonly kind: 'allocation';
      readonly group: string;
      readonly filter: string;
      readonly calls: number;
    };

/** A group that can be measured. */
export interface GroupSummary {
  readonly name: string;
  readonly isPacketPath: boolean;
}

/** How long a call takes in one process. */
export interface TimeFigure {
  readonly name: string;
  /** The median of many runs. */
  readonly nanoseconds: number;
}

/** What a call allocates. */
export interface AllocationFigure {
  readonly name: string;
  readonly bytesPerCall: number;
}

/** Options of Node.js by which nothing is collected while a heap grows by megabytes. */
export const ALLOCATION_OPTIONS = [
  '--expose-gc',
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
];
