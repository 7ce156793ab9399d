import { setTimeout as pause } from 'node:timers/promises';
import type { Child } from './child.ts';

const STEP_MS = 50;
const START_MS_MAX = 20_000;

/**
 * Tries something again and again until a program that has just been started is ready for it.
 *
 * @throws Error with the last words of the program when it has ended, or the last failure when it takes too long.
 */
export async function until<Result>(attempt: () => Promise<Result>, child: Child): Promise<Result> {
  const deadline = performance.now() + START_MS_MAX;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!child.isAlive) throw new Error(child.lastWords, { cause: error });
      if (performance.now() > deadline) throw error;
    }
    await pause(STEP_MS);
  }
}
