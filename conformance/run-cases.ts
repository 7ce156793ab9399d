import { Mismatch, NotApplicable, type ConformanceCase, type Topic } from './conformance-case.ts';
import { Session, type Setup } from './session.ts';
import type { Target } from './target.ts';

/** How a case came out. */
export interface Result {
  readonly topic: string;
  readonly id: string;
  readonly rfc: string;
  readonly section: string;
  readonly title: string;
  readonly verdict: 'pass' | 'FAIL' | 'n/a';
  /** What was seen, or why there is nothing to see; empty when it passes. */
  readonly detail: string;
}

/** Runs all cases against one address of a server, so many at a time; results are in the order of the cases. */
export async function runCases(
  topics: readonly Topic[],
  target: Target,
  setup: Setup,
  jobs: number,
): Promise<Result[]> {
  const waiting = topics.flatMap(({ name, cases }) => cases.map((each) => ({ name, each })));
  const results: Result[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < waiting.length; index = next++) {
      const { name, each } = waiting[index]!;
      results[index] = await runCase(name, each, new Session(target, setup));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return results;
}

async function runCase(topic: string, each: ConformanceCase, session: Session): Promise<Result> {
  const { id, rfc, section, title } = each;
  const result = (verdict: Result['verdict'], detail = ''): Result => {
    return { topic, id, rfc, section, title, verdict, detail };
  };
  const [missing] = (each.requires ?? []).map((requires) => requires(session)).filter(Boolean);
  if (missing !== undefined && missing !== false) return result('n/a', missing);
  try {
    await each.run(session);
    return result('pass');
  } catch (error) {
    if (error instanceof NotApplicable) return result('n/a', error.message);
    if (error instanceof Mismatch) return result('FAIL', error.message);
    return result('FAIL', error instanceof Error ? error.message : String(error));
  } finally {
    await session.end();
  }
}
