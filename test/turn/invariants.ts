import t from 'tap';
import type { Allocation } from '../../src/turn/allocation.ts';
import {
  CHANNELS_PER_ALLOCATION_MAX_DEFAULT as CHANNELS_PER_ALLOCATION_MAX,
  PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT as PERMISSIONS_PER_ALLOCATION_MAX,
} from '../../src/limits.ts';
import { trafficValues } from '../support/core/memory-policies.ts';
import { RandomLife } from '../support/core/random-life.ts';
import { LISTENER, type TurnDriver } from '../support/core/turn-driver.ts';

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

/** What is inconsistent in a server. */
function broken(driver: TurnDriver): string[] {
  const problems: string[] = [];
  const live = [...driver.server.allocations()];
  const check = (isRight: boolean, problem: string): void =>
    void (isRight || problems.push(problem));
  check(live.length === driver.server.allocationCount, 'the count of allocations');
  check(driver.quota.total === live.length, 'the quota');
  const datagrams = live.filter(({ client }) => client.handle < 0);
  check(driver.udp.allocationByClient.size === datagrams.length, 'the index by client');
  check(driver.tcp.allocationByClient.size === 0, 'streams are not in it');
  const ports = live.flatMap(({ relays }) => relays).length + driver.reservations.byToken.size;
  const pairs = driver.waiting.filter(
    ({ relay, reservesNext }) => reservesNext && !relay.allocation.isGone,
  );
  const orphans = driver.waiting.filter(({ relay }) => relay.allocation.isGone);
  const orphanPorts = orphans.reduce((sum, { reservesNext }) => sum + (reservesNext ? 2 : 1), 0);
  check(
    driver.portsTaken === ports + pairs.length + orphanPorts,
    `${driver.portsTaken} ports taken`,
  );
  let channels = 0;
  for (const allocation of live) {
    channels += allocation.channelByNumber.size;
    problems.push(...brokenAllocation(driver, allocation));
  }
  check(driver.channels.size === channels, 'the channels announced');
  return problems;
}

/** Counters that differ from what went over the wire. */
function miscounted({ wire, counters }: TurnDriver): string[] {
  const listener = trafficValues(counters.ofListener(LISTENER));
  const clusters = ['media', 'narrow', 'other'].map((name) =>
    trafficValues(counters.ofCluster(name)),
  );
  const sum = [0, 1, 2, 3].map((index) =>
    clusters.reduce((total, values) => total + values[index]!, 0),
  );
  const { fromClients, toClients, fromPeers, toPeers } = wire;
  const rows = [
    ['listener', listener, fromClients, toClients],
    ['clusters', sum, fromPeers, toPeers],
  ] as const;
  return rows.flatMap(([name, values, received, sent]) => {
    const expected = [received.packets, received.bytes, sent.packets, sent.bytes];
    return values.join() === expected.join() ? [] : [`${name}: ${values.join()} counted`];
  });
}

function brokenAllocation(driver: TurnDriver, allocation: Allocation): string[] {
  const { client, relays, channelByNumber, channelByPeer, permissionByPeer, state } = allocation;
  const found =
    client.handle < 0 ? driver.udp.allocationByClient.get(client.address) : client.allocation;
  const isActive = state === 'active';
  const rules: [isRight: boolean, problem: string][] = [
    [!allocation.isGone, 'a live allocation is gone'],
    [found === allocation, 'an allocation is not found'],
    [isActive !== (allocation.pending !== undefined), 'pending'],
    [
      isActive ? relays.length > 0 : channelByNumber.size + permissionByPeer.size === 0,
      `${state} with too much`,
    ],
    [
      !isActive || relays.every(({ handle }) => driver.sockets.has(handle)),
      'a relay without a socket',
    ],
    [new Set(relays.map(({ family }) => family)).size === relays.length, 'two relays of a family'],
    [!isActive || allocation.expiresAtMs > driver.nowMs - 1000, 'an allocation outlived itself'],
    [channelByNumber.size === channelByPeer.size, 'indexes of channels differ'],
    [channelByNumber.size <= CHANNELS_PER_ALLOCATION_MAX, 'too many channels'],
    [permissionByPeer.size <= PERMISSIONS_PER_ALLOCATION_MAX, 'too many permissions'],
  ];
  for (const [number, binding] of channelByNumber) {
    rules.push(
      [
        binding.allocation === allocation && relays.includes(binding.relay),
        'a channel of another allocation',
      ],
      [
        binding.channelNumber === number && channelByPeer.get(binding.peer) === binding,
        'a channel misplaced',
      ],
      [binding.relay.family === binding.peer.family, 'a channel on the wrong relay'],
      [!binding.isGone && driver.channels.has(binding), 'a channel that is gone'],
      [binding.expiresAtMs > driver.nowMs - 1000, 'a channel outlived itself'],
    );
  }
  for (const permission of permissionByPeer.values()) {
    rules.push(
      [permission.allocation === allocation && !permission.isGone, 'a permission that is gone'],
      [permissionByPeer.get(permission.peer) === permission, 'a permission misplaced'],
      [permission.expiresAtMs > driver.nowMs - 1000, 'a permission outlived itself'],
    );
  }
  return rules.filter(([isRight]) => !isRight).map(([, problem]) => problem);
}
