import type { Session } from './session.ts';

/** Says why a case does not concern a server or a transport; false when it does. */
export type Requirement = (session: Session) => string | false;

/** One thing that a document asks of a server, and how it is seen to be done. */
export interface ConformanceCase {
  /** What it is called: `allocate-even-port`. */
  readonly id: string;
  /** The document: `RFC 8656`. */
  readonly rfc: string;
  readonly section: string;
  /** What the server does when it conforms. */
  readonly title: string;
  readonly requires?: readonly Requirement[];
  /** Rejects with a Mismatch when the server does something else, with NotApplicable when there is nothing to see. */
  run(session: Session): Promise<void>;
}

/** Cases that belong together. */
export interface Topic {
  readonly name: string;
  readonly cases: readonly ConformanceCase[];
}

/** What the server did instead of what it should. */
export class Mismatch extends Error {}

/** Why a case has nothing to judge here. */
export class NotApplicable extends Error {}
