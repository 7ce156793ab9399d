import type { ProblemReport } from './problems.ts';

/** What normalising needs from outside. */
export interface NormaliseContext {
  readonly report: ProblemReport;
  /** Reads a file named by a `…_file` key as UTF-8 text; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
}
