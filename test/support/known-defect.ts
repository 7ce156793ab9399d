import t, { type Test } from 'tap';

/** A defect of another server or library that became public, and how it is seen not to be here. */
export interface KnownDefect {
  /** CVE, advisory, commit or report. */
  readonly id: string;
  /** The root cause. */
  readonly cause: string;
  /** Fails where the same defect is. */
  readonly check: (t: Test) => void | Promise<void>;
}

/** Runs the check of every defect as a test of its own. */
export async function testDefects(defects: readonly KnownDefect[]): Promise<void> {
  for (const { id, cause, check } of defects) {
    await t.test(`${id}: ${cause}`, async (t) => {
      await check(t);
    });
  }
}
