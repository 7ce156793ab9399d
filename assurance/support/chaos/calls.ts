import { fileURLToPath } from 'node:url';
import { TestProcess } from '../../../test/support/child-process.ts';
import type { IceServer } from '../../../test/support/server-under-test.ts';

const CALLER = fileURLToPath(new URL('./caller.ts', import.meta.url));
const LOADER = fileURLToPath(new URL('../../../scripts/typescript-loader.mjs', import.meta.url));

const STEPS = 3;

/** What a caller is to do. */
export interface CallOrder {
  readonly stack: string;
  readonly iceServer: IceServer;
  /** Calls at the same time. */
  readonly runs: number;
  /** Longest wait for each step of a call. */
  readonly callMsMax: number;
  /** How often a call that does not come about is begun in all. */
  readonly attemptsMax: number;
}

/** What became of one call. */
export interface CallOutcome {
  readonly isOk: boolean;
  /** How often it was begun. */
  readonly attempts: number;
  readonly ms: number;
  /** What went wrong; empty when nothing did. */
  readonly step: string;
}

/** Has a WebRTC stack call an echo peer, relay-only, in a process of its own. */
export async function callThrough(order: CallOrder): Promise<readonly CallOutcome[]> {
  const args = ['--import', LOADER, CALLER, JSON.stringify(order)];
  const child = new TestProcess(process.execPath, args);
  const limit = setTimeout(
    () => child.signal('SIGKILL'),
    10_000 + order.attemptsMax * STEPS * order.callMsMax,
  );
  await child.ended.finally(() => clearTimeout(limit));
  const outcomes = child.lines
    .filter((line) => line.startsWith('{"isOk"'))
    .map((line) => JSON.parse(line) as CallOutcome);
  const missing = Array.from({ length: order.runs - outcomes.length }, (): CallOutcome => {
    return { isOk: false, attempts: 0, ms: 0, step: `no outcome: ${child.output.slice(-300)}` };
  });
  return [...outcomes, ...missing];
}
