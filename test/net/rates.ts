import { randomInt } from 'node:crypto';
import t from 'tap';
import { AnswerLimiter, createAnswerMemory } from '../../src/net/shared/answer-limiter.ts';
import { createUserRateMemory, UserRates } from '../../src/net/shared/user-rates.ts';
import type { TransportAddress } from '../../src/stun/transport-address.ts';
import type { MonotonicMs, Now, UnixSeconds } from '../../src/turn/policy.ts';
import { SeededRandom } from '../support/core/seeded-random.ts';
import { addressFrom } from '../support/turn-client.ts';

const SEED = Number(process.env['TURNPIKE_SEED'] ?? randomInt(2 ** 31));
const STEPS = 20_000;
/** With this one, no two of the addresses below share a cell. */
const CELL_SEED = 0x1234_5678;
const WORKERS = 3;

function at(ms: number): Now {
  return { monotonicMs: ms as MonotonicMs, unixSeconds: 0 as UnixSeconds };
}

/** How often something happened, by key and second. */
class CountPerSecond {
  readonly #counts = new Map<string, number>();

  of(key: string, now: number): number {
    return this.#counts.get(`${key} ${Math.floor(now / 1000)}`) ?? 0;
  }

  add(key: string, now: number, amount: number): void {
    this.#counts.set(`${key} ${Math.floor(now / 1000)}`, this.of(key, now) + amount);
  }
}

t.test('AnswerLimiter: so many per second and address', (t) => {
  const memory = createAnswerMemory();
  const limiter = new AnswerLimiter(memory, CELL_SEED, 2);
  const steps: [string, number, boolean][] = [
    ['192.0.2.1', 1000, true],
    ['192.0.2.1', 1500, true],
    ['192.0.2.1', 1999, false],
    ['192.0.2.2', 1999, true],
    ['192.0.2.1', 2000, true],
    ['2001:db8::1', 2000, true],
    ['2001:db8::ffff:2', 2000, true],
    ['2001:db8::3', 2000, false],
    ['2001:db8:0:1::1', 2000, true],
    ['192.0.2.1', 2999, true],
    ['192.0.2.1', 2999, false],
    // A time far later, whose second differs in the high bits alone.
    ['192.0.2.1', 2000 + 65_536_000, false],
    ['192.0.2.1', 3000 + 65_536_000, true],
  ];
  for (const [ip, now, expected] of steps) {
    const isAdmitted = limiter.admit(addressFrom(ip, now % 7), now as MonotonicMs);
    t.equal(isAdmitted, expected, `${ip} at ${now}`);
  }
  limiter.perSecond = 0;
  const client = addressFrom('192.0.2.1', 1);
  const now = 2999 as MonotonicMs;
  t.ok(
    Array.from({ length: 100 }, () => limiter.admit(client, now)).every(Boolean),
    '0 is no limit',
  );
  t.end();
});

t.test('AnswerLimiter: what is allowed at most', (t) => {
  const limiter = new AnswerLimiter(createAnswerMemory(), CELL_SEED, 1_000_000);
  const client = addressFrom('192.0.2.1', 1);
  let count = 0;
  while (count < 100_000 && limiter.admit(client, 0xffff_0000 as MonotonicMs)) count++;
  t.equal(count, 65_535, 'a cell counts no further');
  t.end();
});

t.test('AnswerLimiter: never more than allowed, whoever shares a cell', (t) => {
  const limiter = new AnswerLimiter(createAnswerMemory(), SEED | 0, 1);
  const clients = Array.from({ length: 20_000 }, (_, index) => {
    return addressFrom(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, 1);
  });
  const now = 5000 as MonotonicMs;
  const admitted = clients.filter((client) => limiter.admit(client, now));
  t.notOk(
    clients.some((client) => limiter.admit(client, now)),
    `seed ${SEED}`,
  );
  t.ok(admitted.length > clients.length / 2, `${admitted.length} of them, seed ${SEED}`);
  t.end();
});

t.test('AnswerLimiter: several workers agree with a naive model', (t) => {
  const random = new SeededRandom(SEED);
  const memory = createAnswerMemory();
  const limiters = Array.from({ length: WORKERS }, () => new AnswerLimiter(memory, CELL_SEED, 4));
  const clients = ['192.0.2.1', '192.0.2.2', '198.51.100.7', '2001:db8::1', '2001:db8:0:1::1'].map(
    (ip): TransportAddress => addressFrom(ip, 1),
  );
  const model = new CountPerSecond();
  let now = random.below(1_000_000);
  let isRight = true;
  for (let step = 0; step < STEPS && isRight; step++) {
    now += random.below(120);
    const client = random.pick(clients);
    const isExpected = model.of(client.ip(), now) < 4;
    if (isExpected) model.add(client.ip(), now, 1);
    isRight = random.pick(limiters).admit(client, now as MonotonicMs) === isExpected;
  }
  t.ok(isRight, `seed ${SEED}`);
  t.end();
});

t.test('UserRates: bytes and packets each way', (t) => {
  const cases = [
    { rate: { bytesPerSecond: 0, packetsPerSecond: 0 }, sizes: [9000, 9000], admitted: 2 },
    { rate: { bytesPerSecond: 1000, packetsPerSecond: 0 }, sizes: [999, 1, 1], admitted: 2 },
    { rate: { bytesPerSecond: 1000, packetsPerSecond: 0 }, sizes: [999, 9000, 1], admitted: 2 },
    { rate: { bytesPerSecond: 0, packetsPerSecond: 3 }, sizes: [0, 1, 9000, 0], admitted: 3 },
    { rate: { bytesPerSecond: 10, packetsPerSecond: 3 }, sizes: [1, 1, 1, 1], admitted: 3 },
  ];
  for (const { rate, sizes, admitted } of cases) {
    const rates = new UserRates(createUserRateMemory(), rate);
    const meter = rates.meterOf('alice');
    const name = JSON.stringify(rate);
    for (const isUp of [true, false]) {
      const count = sizes.filter((bytes) => meter.admit(isUp, bytes, at(1999))).length;
      t.equal(count, admitted, `${name} ${isUp ? 'up' : 'down'}`);
    }
    t.ok(meter.admit(true, 1, at(2000)), 'the next second is another one');
    t.ok(rates.meterOf('bob').admit(true, 1, at(1999)), 'as is another user');
  }
  const rates = new UserRates(createUserRateMemory(), { bytesPerSecond: 1, packetsPerSecond: 0 });
  const meter = rates.meterOf('alice');
  t.ok(meter.admit(true, 1, at(5000)));
  t.notOk(meter.admit(true, 1, at(5000)));
  rates.rate = { bytesPerSecond: 2, packetsPerSecond: 0 };
  t.ok(meter.admit(true, 1, at(5000)), 'a meter follows the rate');
  t.end();
});

t.test('UserRates: several workers agree with a naive model', (t) => {
  const random = new SeededRandom(SEED);
  const memory = createUserRateMemory();
  const rate = { bytesPerSecond: 20_000, packetsPerSecond: 15 };
  const users = Array.from({ length: 40 }, (_, index) => `user ${index}`);
  const meters = Array.from({ length: WORKERS }, () => {
    const rates = new UserRates(memory, rate);
    return new Map(users.map((user) => [user, rates.meterOf(user)]));
  });
  const bytes = new CountPerSecond();
  const packets = new CountPerSecond();
  let now = random.below(1_000_000);
  let refused = 0;
  let isRight = true;
  for (let step = 0; step < STEPS && isRight; step++) {
    now += random.below(3);
    const user = random.pick(users);
    const isUp = random.below(2) === 0;
    const size = random.below(4000);
    const key = `${user} ${isUp}`;
    const isExpected = bytes.of(key, now) < 20_000 && packets.of(key, now) < 15;
    if (isExpected) {
      bytes.add(key, now, size);
      packets.add(key, now, 1);
    } else {
      refused++;
    }
    const meter = random.pick(meters).get(user)!;
    isRight = meter.admit(isUp, size, at(now)) === isExpected;
  }
  t.ok(isRight, `seed ${SEED}`);
  t.ok(refused > 100, `${refused} were refused, seed ${SEED}`);
  t.end();
});

t.test('UserRates: with more users than it remembers, nobody is cut off for it', (t) => {
  const rates = new UserRates(createUserRateMemory(), { bytesPerSecond: 0, packetsPerSecond: 1 });
  const now = at(1000);
  const meters = Array.from({ length: 100_000 }, (_, index) => rates.meterOf(`user ${index}`));
  t.ok(meters.every((meter) => meter.admit(true, 1, now)));
  const refused = meters.filter((meter) => !meter.admit(true, 1, now)).length;
  t.ok(refused > 32_768 && refused <= 65_536, `${refused} are remembered`);
  t.end();
});
