import t from 'tap';
import { undisturbed } from '../../bench/cases/undisturbed.ts';
import type { TrafficResult } from '../../bench/load/protocol.ts';

t.test('a run in which the generator had to wait is made again, but not for ever', async (t) => {
  t.equal(await runsNeeded([0.001, 0.001]), 1);
  t.equal(await runsNeeded([0.2, 0.001, 0.001]), 2);
  t.equal(await runsNeeded([0.2, 0.2, 0.2, 0.2]), 3);
});

async function runsNeeded(pauses: readonly number[]): Promise<number> {
  let runs = 0;
  await undisturbed(async () => {
    const cpu = { microseconds: 1, busiestMicroseconds: 1, busiestUserShare: 0 };
    const counts = { sent: 1, received: 1, reordered: 0, seconds: 1, generatorBusyShare: 1 };
    const longestPauseSeconds = pauses[runs++]!;
    return {
      ...counts,
      latency: null,
      lateness: null,
      longestPauseSeconds,
      cpu,
    } satisfies TrafficResult;
  });
  return runs;
}
