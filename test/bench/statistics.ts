import t from 'tap';
import { percentile } from '../../bench/measure/statistics.ts';

t.test('a percentile is one of the numbers, by nearest rank', (t) => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  const cases = [
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.5, 2],
    [hundred, 0.99, 99],
    [hundred, 0.991, 100],
    [hundred, 0, 1],
    [hundred, 1, 100],
    [[7], 0.99, 7],
  ] as const;
  for (const [values, share, expected] of cases) t.equal(percentile(values, share), expected);
  t.equal(hundred[0], 100, 'the numbers stay in their order');
  t.same(percentile([], 0.5), NaN);
  t.end();
});
