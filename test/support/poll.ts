import { setTimeout as pause } from 'node:timers/promises';

const STEP_MS = 20;
const POLL_MS_MAX = 20_000;

/** Asks again and again until the answer is the expected one; rejects with the last answer when it never is. */
export async function poll<Answer>(
  ask: () => Promise<Answer> | Answer,
  isExpected: (answer: Answer) => boolean,
  limitMs = POLL_MS_MAX,
): Promise<Answer> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (isExpected(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(answer)}`);
    await pause(STEP_MS);
  }
}
