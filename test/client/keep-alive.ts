import { mock } from 'node:test';
import t from 'tap';
import { KeepAlive } from '../../src/client/keep-alive.ts';

t.beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }));
t.afterEach(() => mock.timers.reset());

/** Lets the promises of a timer's callback settle. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

t.test(
  'an allocation is refreshed a minute before it ends, or at half of a short life',
  async (t) => {
    for (const [lifetimeSeconds, renewedAt] of [
      [600, 540],
      [60, 30],
      [0, 1],
    ] as const) {
      const failures: Error[] = [];
      const keepAlive = new KeepAlive((error) => failures.push(error));
      let refreshes = 0;
      keepAlive.keepAllocation(lifetimeSeconds, () => {
        refreshes++;
        return refreshes < 3 ? Promise.resolve(lifetimeSeconds) : Promise.reject(new Error('lost'));
      });
      mock.timers.tick(renewedAt * 1000 - 1);
      t.equal(refreshes, 0);
      for (const expected of [1, 2, 3, 3]) {
        mock.timers.tick(renewedAt * 1000);
        await settle();
        t.equal(refreshes, expected);
      }
      t.match(failures, [{ message: 'lost' }]);
      t.equal(failures.length, 1, 'a failure is told once');
      keepAlive.stop();
    }
  },
);

t.test('permissions and channels are renewed until it stops', async (t) => {
  const failures: Error[] = [];
  const keepAlive = new KeepAlive((error) => failures.push(error));
  const renewed: string[] = [];
  for (const key of ['a', 'b', 'a']) {
    keepAlive.keepPeer(key, () => {
      renewed.push(key);
      return key === 'b' ? Promise.reject(new Error('refused')) : Promise.resolve();
    });
  }
  mock.timers.tick(240_000);
  await settle();
  t.strictSame(renewed, ['a', 'b'], 'each once, well before 300 s');
  t.match(failures, [{ message: 'refused' }]);
  keepAlive.stop();
  mock.timers.tick(1_000_000);
  keepAlive.keepPeer('c', () => Promise.resolve(renewed.push('c')));
  keepAlive.keepAllocation(1, () => Promise.resolve(renewed.push('d')));
  mock.timers.tick(1_000_000);
  t.equal(renewed.length, 2);
});
