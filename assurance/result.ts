import type { Finding } from './scenario.ts';

/** What became of one scenario. */
export interface Result {
  readonly name: string;
  readonly promise: string;
  /** Why it did not run; undefined when it did. */
  readonly skipped?: string;
  /** Why it did not get to its end or found out nothing; undefined when it did. */
  readonly problem?: string;
  readonly findings: readonly Finding[];
  readonly seconds: number;
}

/** How a scenario came out; one that found out nothing has failed. */
export function verdictOf({ skipped, problem, findings }: Result): 'holds' | 'fails' | 'skipped' {
  if (skipped !== undefined) return 'skipped';
  const isKept = findings.length > 0 && findings.every((finding) => finding.holds);
  return problem === undefined && isKept ? 'holds' : 'fails';
}

/** All of them in one line: what does not hold, and how many did not run. */
export function verdictLine(results: readonly Result[]): string {
  const of = (verdict: ReturnType<typeof verdictOf>): string[] =>
    results.filter((result) => verdictOf(result) === verdict).map(({ name }) => name);
  const failed = of('fails');
  const names = failed.length === 0 ? '' : ` (${failed.join(', ')})`;
  const [held, skipped] = [of('holds').length, of('skipped').length];
  return `${held} hold, ${failed.length} fail${names}, ${skipped} skipped`;
}
