import t from 'tap';
import { DurationHistogram } from '../../bench/load/duration-histogram.ts';
import { readTimeStamp, timeStamp } from '../../bench/load/load-clock.ts';

t.test('percentiles are right to a percent from nanoseconds to seconds', async (t) => {
  for (const scale of [50, 1000, 30_000, 1_000_000, 200_000_000]) {
    const histogram = new DurationHistogram();
    for (let step = 1; step <= 1000; step++) histogram.add(Math.round((step * scale) / 100));
    const { p50, p99, p999 } = histogram.percentiles()!;
    for (const [found, share] of [
      [p50, 0.5],
      [p99, 0.99],
      [p999, 0.999],
    ] as const) {
      const exact = (share * 1000 * scale) / 100 / 1000;
      t.ok(Math.abs(found / exact - 1) < 0.01, `${share} of ${scale}: ${found} for ${exact}`);
    }
  }
});

t.test('extremes are counted', async (t) => {
  const histogram = new DurationHistogram();
  t.equal(histogram.percentiles(), null);
  histogram.add(-5);
  t.strictSame(histogram.percentiles(), { p50: 0, p99: 0, p999: 0 });
  histogram.add(2 ** 31 - 1);
  t.equal(histogram.count, 2);
  t.ok(Math.abs(histogram.percentiles()!.p99 / (2 ** 31 / 1000) - 1) < 0.01);
});

t.test('time stamps tell durations across the point where they begin again', async (t) => {
  const seconds = 1_790_000_000;
  for (let step = 0; step < 20; step++) {
    const earlier = timeStamp(seconds + step, 999_999_000);
    const later = timeStamp(seconds + step + 1, 1500);
    t.equal((later - earlier) | 0, 2500);
  }
  const view = new DataView(new ArrayBuffer(24));
  view.setBigInt64(8, BigInt(seconds), true);
  view.setBigInt64(16, 5n, true);
  t.equal(readTimeStamp(view, 8), timeStamp(seconds, 5));
});
