import t from 'tap';
import { createQuotaMemory, QuotaTable } from '../../src/net/shared/quota-table.ts';
import { RateMeter, rateOf } from '../../src/turn/rate-meter.ts';
import type { MonotonicMs } from '../../src/turn/policy.ts';
import { TestClient } from '../support/core/test-client.ts';
import { TurnDriver, UNLIMITED } from '../support/core/turn-driver.ts';

const PAYLOAD = new Uint8Array(100);
const TEN_OF_100 = { bytesPerSecond: 1000, packetsPerSecond: 0 };
const FIVE_OF_100 = { bytesPerSecond: 500, packetsPerSecond: 0 };
const ONE = { bytesPerSecond: 0, packetsPerSecond: 1 };

t.test('places beyond the quota of a user are as many again, over all workers', (t) => {
  for (const allocationsPerUserMax of [1, 3, 0]) {
    const limits = { allocationsMax: 100, allocationsPerAddressMax: 100, allocationsPerUserMax };
    const memory = createQuotaMemory(2);
    const tables = [0, 1].map((worker) => new QuotaTable(memory, worker, limits));
    const rules = { degradedRate: FIVE_OF_100 };
    const drivers = tables.map((quota) => new TurnDriver({ rules, server: { quota } }));
    const clients = Array.from({ length: 10 }, (_, index) => {
      return new TestClient(drivers[index % 2]!, { port: 40_000 + index });
    });
    const outcomes = clients.map((client) => client.allocate()!.outcome);
    const granted = allocationsPerUserMax === 0 ? 10 : 2 * allocationsPerUserMax;
    const expected = clients.map((_, index) => (index < granted ? 'success' : 486));
    t.strictSame(outcomes, expected, `${allocationsPerUserMax} of each user`);
    t.equal(tables[0]!.total, granted, 'a refusal takes no place');
    const degraded = clients.filter(({ allocation }) => allocation?.isDegraded);
    t.equal(degraded.length, allocationsPerUserMax, 'as many as are beyond');
    const bob = new TestClient(drivers[0]!, { port: 41_000, user: 'bob' });
    bob.allocate();
    t.equal(bob.allocation!.isDegraded, false, 'others have their own');
    if (allocationsPerUserMax === 0) continue;

    clients[0]!.refresh(0);
    const again = new TestClient(drivers[1]!, { port: 42_000 });
    t.equal(again.allocate()!.outcome, 'success', 'a place that was given back');
    t.equal(clients[0]!.allocate()!.outcome, 486, 'serves once');
  }
  t.end();
});

t.test('allocations beyond the quota of a user', (t) => {
  const rules = { allocationRate: TEN_OF_100, degradedRate: FIVE_OF_100 };
  const driver = new TurnDriver({ rules });
  driver.quota.perUserMax = 2;
  const others = [relayingOn(driver, 40_010)];
  const own = relayingOn(driver, 40_000);
  const beyond = relayingOn(driver, 40_001);
  t.strictSame([own.allocation!.isDegraded, beyond.allocation!.isDegraded], [false, true]);
  t.equal(driver.quota.takenByUser.get('alice'), 3, 'it takes a place nevertheless');
  for (const [name, way] of [
    ['up', goesUp],
    ['down', comesDown],
  ] as const) {
    t.equal(passing(own, way), 10, name);
    t.equal(passing(beyond, way), 5, `${name}, degraded`);
  }
  driver.changeRules({ degradedRate: ONE });
  t.equal(passing(beyond, goesUp), 1, 'the rule may change');
  t.equal(passing(own, goesUp), 0, 'that of the others has not');

  driver.changeRules({ degradedRate: FIVE_OF_100 });
  driver.quota.perAddressMax = 3;
  t.equal(new TestClient(driver, { port: 40_002 }).allocate()!.outcome, 486);
  const elsewhere = new TestClient(driver, { ip: '198.51.100.2', port: 40_002 });
  t.equal(elsewhere.allocate()!.outcome, 'success');
  const third = new TestClient(driver, { ip: '198.51.100.3', port: 40_002 });
  t.equal(third.allocate()!.outcome, 486, 'as many again as the quota, and no more');
  driver.quota.totalMax = 4;
  driver.quota.perUserMax = 3;
  t.equal(third.allocate()!.outcome, 508, 'the other limits hold as ever');
  t.equal(new TestClient(driver, { ip: '198.51.100.3', user: 'bob' }).allocate()!.outcome, 508);
  const refusals = driver.events.flatMap((event) =>
    event.kind === 'allocationRefused' ? [event.reason] : [],
  );
  t.strictSame(refusals, [
    'addressQuotaReached',
    'userQuotaReached',
    'insufficientCapacity',
    'insufficientCapacity',
  ]);
  for (const client of [...others, own, beyond, elsewhere]) client.refresh(0);
  t.equal(driver.quota.total, 0, 'every place is given back');
  t.end();
});

t.test('from degrade to refuse: what is degraded stays so', (t) => {
  const rules = { allocationRate: TEN_OF_100, degradedRate: FIVE_OF_100 };
  const driver = new TurnDriver({ rules });
  driver.quota.perUserMax = 1;
  const own = relayingOn(driver, 40_000);
  const beyond = relayingOn(driver, 40_001);
  for (const allocationRate of [TEN_OF_100, UNLIMITED]) {
    driver.changeRules({ degradedRate: undefined, allocationRate });
    driver.advance(1);
    t.equal(passing(beyond, goesUp), 5, 'at its last rate');
    t.equal(passing(beyond, comesDown), 5);
    driver.changeRules({ onCredentialExpiry: 'keep' });
    t.equal(passing(beyond, goesUp), 0, 'and with an empty bucket');
    t.equal(passing(own, goesUp), allocationRate === UNLIMITED ? 50 : 10);
    t.equal(new TestClient(driver, { port: 40_002 }).allocate()!.outcome, 486, 'there are no more');
  }
  driver.changeRules({ degradedRate: ONE });
  t.equal(passing(beyond, goesUp), 1, 'until there is another one');
  t.end();
});

t.test('which rate an allocation has', (t) => {
  const rates = { allocationRate: TEN_OF_100, degradedRate: FIVE_OF_100 };
  const without = { ...rates, degradedRate: undefined };
  t.equal(rateOf(rates, false), TEN_OF_100);
  t.equal(rateOf(rates, true), FIVE_OF_100);
  t.equal(rateOf(rates, true, ONE), FIVE_OF_100);
  t.equal(rateOf(without, true, ONE), ONE);
  t.equal(rateOf(without, false, ONE), TEN_OF_100);
  const meter = new RateMeter(ONE, 0 as MonotonicMs);
  t.equal(meter.rate, ONE);
  meter.replace(FIVE_OF_100, 0 as MonotonicMs);
  t.equal(meter.rate, FIVE_OF_100);
  t.end();
});

function goesUp(client: TestClient): boolean {
  return client.channelData(0x4000, PAYLOAD) !== undefined;
}

function comesDown(client: TestClient): boolean {
  return client.driver.peerSends(client.relay(), '10.0.0.1', 1000, PAYLOAD.length) !== undefined;
}

function passing(client: TestClient, way: (client: TestClient) => boolean): number {
  return Array.from({ length: 50 }, () => way(client)).filter(Boolean).length;
}

/** A client with a channel. */
function relayingOn(driver: TurnDriver, port: number): TestClient {
  const client = new TestClient(driver, { port });
  client.allocate();
  client.bindChannel(0x4000, '10.0.0.1', 1000);
  return client;
}
