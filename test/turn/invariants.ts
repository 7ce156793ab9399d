import t from 'tap';
import { RandomLife } from '../support/core/random-life.ts';
import { broken, miscounted } from '../support/core/server-invariants.ts';

const SEED = Number(process.env['TURNPIKE_SEED'] ?? Date.now() % 2 ** 31);
const RUNS = 16;
const STEPS_PER_RUN = 2500;
t.comment(`seed ${SEED}`);

const relayed = { up: 0, down: 0 };
/** What must have happened in the course of all runs. */
const REASONS = new Set<string>([
  'expired',
  'refreshedToZero',
  'credentialExpired',
  'kicked',
  'revoked',
  'draining',
  'userQuotaReached',
  'noRelayPort',
  'allocationRateExceeded',
  'userRateExceeded',
  'answerRateExceeded',
  'degraded',
]);
const seen = new Set<string>();
for (let run = 0; run < RUNS; run++) {
  t.test(`a random life, run ${run}`, (t) => {
    const life = new RandomLife(SEED + run);
    for (let step = 0; step < STEPS_PER_RUN; step++) {
      life.step();
      const problems = [
        ...life.problems.splice(0),
        ...life.forbidden(),
        ...broken(life.driver),
        ...miscounted(life.driver),
      ];
      if (problems.length > 0) t.fail(`step ${step}: ${problems.join('; ')} (seed ${SEED + run})`);
    }
    life.end();
    const { driver } = life;
    t.strictSame(
      [
        driver.server.allocationCount,
        driver.quota.total,
        driver.portsTaken,
        driver.sockets.size,
        driver.channels.size,
        driver.reservations.byToken.size,
      ],
      [0, 0, 0, 0, 0, 0],
      'everything is given back',
    );
    t.equal(driver.server.pollTimeout(), undefined, 'nothing is waited for');
    for (const event of driver.events) {
      if ('reason' in event) seen.add(event.reason);
      if (event.kind === 'allocationCreated' && event.allocation.isDegraded) seen.add('degraded');
    }
    for (const [reason, count] of Object.entries(driver.drops)) if (count > 0) seen.add(reason);
    relayed.up += life.relayedUp;
    relayed.down += life.relayedDown;
    const created = driver.events.filter(({ kind }) => kind === 'allocationCreated').length;
    const deleted = driver.events.filter(({ kind }) => kind === 'allocationDeleted').length;
    t.equal(created, deleted, `${created} allocations created and deleted`);
    t.end();
  });
}

t.test('the runs were worth it', (t) => {
  const missing = [...REASONS].filter((reason) => !seen.has(reason));
  t.strictSame(missing, [], 'everything happened');
  t.ok(relayed.up > 100 && relayed.down > 100, `${relayed.up} packets up, ${relayed.down} down`);
  t.end();
});
