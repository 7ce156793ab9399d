/** A function that is measured, with all that it works on. */
export interface MicroCase {
  /** Unique within its group. */
  readonly name: string;
  /** Calls of one `run`: enough of them to be timed as one. */
  readonly calls: number;
  /** True where a packet may leave garbage; looked at in groups of the packet path alone. */
  readonly mayAllocate?: true;
  /** Makes ready for the next `run`; not measured. */
  readonly before?: () => void;
  /**
   * Makes `calls` calls; throws when they did not do what they are measured for.
   *
   * @returns anything that depends on all of them, so that the compiler leaves none out.
   */
  readonly run: (calls: number) => unknown;
}

/** Cases that share what they work on, measured in a process of their own. */
export interface MicroGroup {
  /** Unique. */
  readonly name: string;
  /** True when packets pass here: no case may allocate, unless it says so. */
  readonly isPacketPath: boolean;
  /** True when it needs system calls, see `checkSupport`. */
  readonly isNative: boolean;
  /** Builds what the cases work on; nothing of it is given back before the process ends. */
  readonly open: () => MicroCase[];
}

/** Calls of one run of a function that takes nanoseconds. */
export const CALLS = 1000;

/** Throws unless every call did what it is measured for. */
export function expectAll(done: number, calls: number): number {
  if (done !== calls) throw new Error(`only ${done} of ${calls} calls did what they should`);
  return done;
}
