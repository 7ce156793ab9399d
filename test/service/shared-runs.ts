import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { SharedRuns } from '../../src/service/shared-runs.ts';

t.test('a storm of requests costs two runs', async (t) => {
  const runs = new SharedRuns();
  const begun: string[] = [];
  let end = (): void => {};
  const job = (name: string) => (): Promise<void> => {
    begun.push(name);
    return new Promise((resolve) => (end = resolve));
  };
  const first = runs.run(job('first'));
  await turn();
  t.strictSame(begun, ['first']);
  const others = Array.from({ length: 1000 }, (_, index) => runs.run(job(`${index}`)));
  t.equal(new Set(others).size, 1, 'those that come meanwhile share one');
  end();
  await first;
  await turn();
  t.strictSame(begun, ['first', '0'], 'which begins after them');
  end();
  await Promise.all(others);
  t.strictSame(begun, ['first', '0']);
});

t.test('a job that fails holds up nobody', async (t) => {
  const runs = new SharedRuns();
  await t.rejects(
    runs.run(() => Promise.reject(new Error('no'))),
    { message: 'no' },
  );
  let isRun = false;
  await runs.run(async () => void (isRun = true));
  t.ok(isRun);
});
