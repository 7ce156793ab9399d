import t from 'tap';
import { Schedule } from '../../bench/load/schedule.ts';
import { SeededRandom } from '../../bench/load/seeded-random.ts';

const INTERVAL = 1000;

t.test('every client sends once in every interval, give or take the jitter', async (t) => {
  const clients = 100;
  const times = Array.from({ length: clients }, (): number[] => []);
  for (const { client, due } of entries(new Schedule(clients, INTERVAL, 1), 40_000)) {
    times[client]!.push(due);
  }
  for (const own of times) {
    t.ok(Math.abs(own.length - 400) <= 2);
    const gaps = own.slice(1).map((due, index) => due - own[index]!);
    t.ok(gaps.every((gap) => gap >= INTERVAL * 0.8 - 1e-6 && gap <= INTERVAL * 1.2 + 1e-6));
    t.ok(new Set(gaps).size > 100, 'the rhythm is uneven');
  }
});

t.test('all clients together come at nearly random times at the wanted rate', async (t) => {
  const clients = 100;
  const all = entries(new Schedule(clients, INTERVAL, 2), 100_000).map(({ due }) => due);
  const gaps = all.slice(1).map((due, index) => due - all[index]!);
  t.ok(gaps.every((gap) => gap >= 0));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  t.ok(Math.abs(mean - INTERVAL / clients) < 0.05, 'the rate is kept');
  // Of a Poisson process: the share of gaps shorter than a tenth of the mean is 1 - exp(-0.1).
  const short = gaps.filter((gap) => gap < mean / 10).length / gaps.length;
  t.ok(Math.abs(short - (1 - Math.exp(-0.1))) < 0.02);
});

t.test('a schedule follows from its seed', async (t) => {
  const first = entries(new Schedule(10, INTERVAL, 3), 50);
  t.strictSame(first, entries(new Schedule(10, INTERVAL, 3), 50));
  t.notSame(first, entries(new Schedule(10, INTERVAL, 4), 50));
});

t.test('one client and ten thousand have schedules too', async (t) => {
  const alone = entries(new Schedule(1, INTERVAL, 5), 50_000);
  t.ok(alone.every(({ client }) => client === 0));
  t.ok(Math.abs(alone.at(-1)!.due / 50_000 - INTERVAL) < 1);
  const crowd = entries(new Schedule(10_000, INTERVAL, 6), 30_000);
  t.equal(new Set(crowd.map(({ client }) => client)).size, 10_000);
});

t.test('random numbers fill their interval evenly', async (t) => {
  const random = new SeededRandom(7);
  const counts = new Int32Array(10);
  for (let count = 0; count < 100_000; count++) counts[Math.floor(random.next() * 10)]!++;
  t.ok(counts.every((count) => Math.abs(count - 10_000) < 500));
});

function entries(schedule: Schedule, count: number): { client: number; due: number }[] {
  return Array.from({ length: count }, () => {
    const entry = { client: schedule.client, due: schedule.dueMicroseconds };
    schedule.advance();
    return entry;
  });
}
