import type { ProblemReport } from './problems.ts';

/** What normalising needs from outside. */
export interface NormaliseContext {
  readonly report: ProblemReport;
  /** Reads a file named by a `…_file` key as UTF-8 text; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
  /** The path under which a file or folder that the configuration names is found later. */
  readonly resolvePath: (path: string) => string;
}

/** What one section of the file has to know of others. */
export interface FileFacts {
  readonly clusterNames: ReadonlySet<string>;
  readonly hasAcme: boolean;
  /** An address of the relay is discovered. */
  readonly isDiscovering: boolean;
}
