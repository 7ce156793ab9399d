import t from 'tap';
import type { MonotonicMs, Now, UnixSeconds } from '../../src/turn/policy.ts';
import { RateMeter, type Rate } from '../../src/turn/rate-meter.ts';
import { trafficValues } from '../support/core/memory-policies.ts';
import { SeededRandom } from '../support/core/seeded-random.ts';
import { TestClient } from '../support/core/test-client.ts';
import {
  LISTENER,
  parseAddress,
  TurnDriver,
  UNLIMITED,
  type DriverOptions,
} from '../support/core/turn-driver.ts';

const SEED = Number(process.env['TURNPIKE_SEED'] ?? Date.now() % 2 ** 31);
const PAYLOAD = new Uint8Array(100);

t.comment(`seed ${SEED}`);

t.test('a rate meter lets through what its rate allows, and no less', (t) => {
  const random = new SeededRandom(SEED);
  for (let round = 0; round < 200; round++) {
    const rate = {
      bytesPerSecond: random.pick([0, 1, 1000, 16_000, 1_000_000]),
      packetsPerSecond: random.pick([0, 1, 7, 1000]),
    };
    const problem = firstProblem(rate, random);
    if (problem !== undefined) t.fail(`${JSON.stringify(rate)}: ${problem} (seed ${SEED})`);
  }
  t.pass('200 rates');
  t.end();
});

/** Sends at random for a while, then without a pause, and compares with what the rate is. */
function firstProblem(rate: Rate, random: SeededRandom): string | undefined {
  const startMs = random.below(1_000_000) + random.below(1000) / 1000;
  const now = at(startMs);
  const meter = new RateMeter(rate, now.monotonicMs);
  const bytesMax = random.pick([1, 200, 1500]);
  const total = { bytes: 0, packets: 0 };
  const pauseMaxMs = random.pick([1, 20, 3000]);
  for (let packet = 0; packet < 2000; packet++) {
    now.monotonicMs = (now.monotonicMs + random.below(1000 * pauseMaxMs) / 1000) as MonotonicMs;
    const bytes = 1 + random.below(bytesMax);
    if (!meter.admit(bytes, now)) continue;
    total.bytes += bytes;
    total.packets++;
    // The depth of the bucket is one second, and the last packet may overdraw it.
    const seconds = (now.monotonicMs - startMs) / 1000 + 1;
    const bytesAllowed = rate.bytesPerSecond * seconds + bytesMax;
    if (rate.bytesPerSecond > 0 && total.bytes > bytesAllowed + 0.001)
      return `${total.bytes} bytes in ${seconds} s`;
    if (rate.packetsPerSecond > 0 && total.packets > rate.packetsPerSecond * seconds + 0.001)
      return `${total.packets} packets in ${seconds} s`;
  }
  if (rate.bytesPerSecond === 0 && rate.packetsPerSecond === 0)
    return total.packets === 2000 ? undefined : 'a limit without a rate';
  return fewest(rate, meter, now, bytesMax);
}

/** Offers more than the rate for ten seconds: what it allows must come through. */
function fewest(rate: Rate, meter: RateMeter, now: Now, bytes: number): string | undefined {
  const { bytesPerSecond, packetsPerSecond } = rate;
  const seconds = Math.max(10, (10 * bytes) / Math.max(bytesPerSecond, 1));
  const stepMs = Math.max(
    1,
    Math.min(packetsPerSecond === 0 ? Infinity : 100 / packetsPerSecond, 100),
  );
  let packets = 0;
  let offered = 0;
  for (let ms = 0; ms < seconds * 1000; ms += stepMs) {
    now.monotonicMs = (now.monotonicMs + stepMs) as MonotonicMs;
    offered++;
    if (meter.admit(bytes, now)) packets++;
  }
  // A packet waits for its share and at most one step longer; two may be under way at the ends.
  const bytesMs = bytesPerSecond === 0 ? 0 : (1000 * bytes) / bytesPerSecond;
  const packetMs = packetsPerSecond === 0 ? 0 : 1000 / packetsPerSecond;
  const least = Math.min((seconds * 1000) / (Math.max(bytesMs, packetMs) + stepMs) - 2, offered);
  return packets < Math.floor(least) ? `${packets} of ${least} in ${seconds} s` : undefined;
}

t.test('a rate meter: burst, pause and change', (t) => {
  const now = at(5000);
  const meter = new RateMeter({ bytesPerSecond: 1000, packetsPerSecond: 0 }, now.monotonicMs);
  const count = (bytes: number, tries = 100): number => {
    let admitted = 0;
    for (let index = 0; index < tries; index++) if (meter.admit(bytes, now)) admitted++;
    return admitted;
  };
  const wait = (seconds: number): void => {
    now.monotonicMs = (now.monotonicMs + seconds * 1000) as MonotonicMs;
  };
  t.equal(count(100), 10, 'a second of the rate at once');
  wait(0.5);
  t.equal(count(100), 5, 'and what has come since');
  wait(3600);
  t.equal(count(100), 10, 'a long pause saves up one second');
  meter.replace({ bytesPerSecond: 1000, packetsPerSecond: 0 }, now.monotonicMs);
  t.equal(count(100), 0, 'the same rate again is no fresh start');
  meter.replace({ bytesPerSecond: 500, packetsPerSecond: 0 }, now.monotonicMs);
  t.equal(count(100), 5, 'another rate is');
  meter.replace({ bytesPerSecond: 0, packetsPerSecond: 3 }, now.monotonicMs);
  t.equal(count(60_000), 3, 'packets');
  meter.replace(UNLIMITED, now.monotonicMs);
  t.equal(count(60_000), 100, '0 is no limit');
  meter.replace({ bytesPerSecond: 100, packetsPerSecond: 0 }, now.monotonicMs);
  t.equal(count(1500), 1, 'a packet may be larger than the rate');
  wait(13);
  t.equal(count(1500), 0, 'and is paid for');
  wait(2);
  t.equal(count(1500), 1, 'however long the pause between two packets is');
  t.end();
});

const TEN_OF_100 = { bytesPerSecond: 1000, packetsPerSecond: 0 };
const FOUR = { bytesPerSecond: 0, packetsPerSecond: 4 };
type Way = (client: TestClient) => boolean;
const UP: [name: string, way: Way][] = [
  ['ChannelData', (client) => client.channelData(0x4000, PAYLOAD) !== undefined],
  ['Send', (client) => client.sendIndication('10.0.0.2', 5, PAYLOAD) !== undefined],
];
const DOWN: [name: string, way: Way][] = [
  ['on a channel', (client) => comesFrom(client, '10.0.0.1', 1000)],
  ['as a Data indication', (client) => comesFrom(client, '10.0.0.2', 5)],
];

t.test('the rate of an allocation, each way', (t) => {
  for (const [isUp, ways, others] of [
    [true, UP, DOWN],
    [false, DOWN, UP],
  ] as const) {
    for (const [name, way] of ways) {
      for (const [rate, fitting] of [
        [TEN_OF_100, 10],
        [FOUR, 4],
        [{ bytesPerSecond: 1000, packetsPerSecond: 4 }, 4],
        [{ bytesPerSecond: 300, packetsPerSecond: 4 }, 3],
        [UNLIMITED, 50],
      ] as const) {
        const { driver, client } = relaying({ rules: { allocationRate: rate } });
        t.equal(passing(client, way), fitting, `${name}: ${JSON.stringify(rate)}`);
        t.equal(driver.drops.allocationRateExceeded, 50 - fitting, 'the rest is counted');
        const bytes = fitting * PAYLOAD.length;
        const expected = isUp ? [fitting, bytes, 0, 0] : [0, 0, fitting, bytes];
        t.strictSame(trafficValues(client.allocation!.traffic), expected, 'and is no traffic');
        for (const [, other] of others) t.equal(other(client), true, 'the other way is free');
        for (const [, same] of ways)
          t.equal(same(client), fitting === 50, 'channels and indications share a way');
        driver.advance(1);
        t.equal(passing(client, way), fitting, 'the next second');
        const neighbour = relayingOn(driver, 40_001);
        t.equal(passing(neighbour, way), fitting, 'of each allocation');
        driver.changeRules({ allocationRate: UNLIMITED });
        t.equal(passing(client, way), 50, 'a rule that changes holds at once');
        driver.changeRules({ allocationRate: { bytesPerSecond: 0, packetsPerSecond: 2 } });
        t.equal(passing(client, way), 2);
        t.equal(passing(relayingOn(driver, 40_002), way), 2, 'and for new allocations');
      }
    }
  }
  t.end();
});

t.test('requests are not metered', (t) => {
  const { driver, client } = relaying({ rules: { allocationRate: FOUR } });
  passing(client, UP[0]![1]);
  passing(client, DOWN[0]![1]);
  for (let count = 0; count < 20; count++) {
    t.equal(client.permit('10.0.0.1')!.outcome, 'success');
    t.equal(client.bindChannel(0x4000, '10.0.0.1', 1000)!.outcome, 'success');
    t.equal(client.refresh(600)!.outcome, 'success');
  }
  t.equal(driver.drops.allocationRateExceeded, 92);
  t.end();
});

t.test('the rate of a user, over all of its allocations', (t) => {
  const driver = new TurnDriver();
  driver.rates.packetsLeft.set('alice', { up: 5, down: 3 });
  const [first, second] = [relayingOn(driver, 40_000), relayingOn(driver, 40_001)];
  const bob = relayingOn(driver, 40_002, 'bob');
  const [channelUp, sendUp] = [UP[0]![1], UP[1]![1]];
  const [channelDown, dataDown] = [DOWN[0]![1], DOWN[1]![1]];
  t.equal(passing(first, channelUp, 3), 3);
  t.equal(passing(second, sendUp, 10), 2, 'what the other one has left');
  t.equal(passing(first, channelUp, 10), 0);
  t.equal(passing(second, channelDown, 2), 2);
  t.equal(passing(first, dataDown, 10), 1, 'the other way is counted apart');
  t.equal(driver.drops.userRateExceeded, 8 + 10 + 9);
  t.equal(driver.drops.allocationRateExceeded, 0);
  for (const [, way] of [...UP, ...DOWN]) t.equal(passing(bob, way), 50, 'others are not bound');
  t.strictSame(driver.rates.bytesByUser.get('alice'), { up: 500, down: 300 });
  t.strictSame(trafficValues(first.allocation!.traffic), [3, 300, 1, 100]);
  t.strictSame(trafficValues(second.allocation!.traffic), [2, 200, 2, 200]);

  const device = new TestClient(driver, { port: 40_003, handle: 5 });
  device.client.identity = { userId: 'device', routes: undefined };
  device.allocate();
  device.bindChannel(0x4000, '10.0.0.1', 1000);
  t.ok(device.channelData(0x4000, PAYLOAD), 'the user that a certificate names');
  t.strictSame(driver.rates.bytesByUser.get('device'), { up: 100, down: 0 });
  t.end();
});

t.test('traffic of allocation, listener and cluster', (t) => {
  const { driver, client } = relaying();
  const media = driver.counters.ofCluster('media');
  const before = trafficValues(driver.counters.ofListener(LISTENER));
  const { fromClients, toClients } = driver.wire;
  t.strictSame(
    before,
    [fromClients.packets, fromClients.bytes, toClients.packets, toClients.bytes],
    'requests and their answers',
  );
  t.equal(fromClients.packets, 4, 'one unsigned, three signed');
  t.strictSame(trafficValues(media), [0, 0, 0, 0], 'are no relayed data');
  client.channelData(0x4000, PAYLOAD);
  client.sendIndication('10.0.0.2', 5, new Uint8Array(50));
  driver.peerSends(client.relay(), '10.0.0.1', 1000, 30);
  driver.peerSends(client.relay(), '10.0.0.2', 5, 7);
  t.strictSame(trafficValues(client.allocation!.traffic), [2, 150, 2, 37]);
  t.strictSame(trafficValues(media), [2, 37, 2, 150], 'received from peers, sent to peers');
  const listener = trafficValues(driver.counters.ofListener(LISTENER));
  const channelBytes = 4 + PAYLOAD.length;
  const indicationBytes = 20 + 12 + 4 + 52;
  t.strictSame(
    listener.map((value, index) => value - before[index]!),
    [2, channelBytes + indicationBytes, 2, 4 + 30 + 20 + 12 + 4 + 7],
    'with their framing',
  );
  const dropped: [name: string, drop: () => unknown][] = [
    ['an unbound channel', () => client.channelData(0x4001, PAYLOAD)],
    ['no permission', () => client.sendIndication('10.0.0.9', 5, PAYLOAD)],
    ['noise', () => client.receive(Uint8Array.of(0xff, 1, 2, 3, 4))],
  ];
  for (const [name, drop] of dropped) {
    const packets = driver.counters.ofListener(LISTENER).receivedPackets;
    drop();
    t.equal(driver.counters.ofListener(LISTENER).receivedPackets, packets + 1, name);
  }
  driver.peerSends(client.relay(), '10.0.0.9', 5);
  t.strictSame(trafficValues(client.allocation!.traffic), [2, 150, 2, 37], 'dropped: no data');
  t.strictSame(trafficValues(media), [2, 37, 2, 150]);
  driver.server.handlePeerError(client.relay(), parseAddress('10.0.0.1', 1000), 3, 3, 0);
  driver.drain();
  t.equal(
    driver.counters.ofListener(LISTENER).sentBytes,
    driver.wire.toClients.bytes,
    'ICMP errors go to clients too',
  );
  t.end();
});

function comesFrom(client: TestClient, ip: string, port: number): boolean {
  return client.driver.peerSends(client.relay(), ip, port, PAYLOAD.length) !== undefined;
}

function passing(client: TestClient, way: Way, tries = 50): number {
  return Array.from({ length: tries }, () => way(client)).filter(Boolean).length;
}

/** A client with a channel and a permission. */
function relaying(options?: DriverOptions): { driver: TurnDriver; client: TestClient } {
  const driver = new TurnDriver(options);
  return { driver, client: relayingOn(driver, 40_000) };
}

function relayingOn(driver: TurnDriver, port: number, user = 'alice'): TestClient {
  const client = new TestClient(driver, { port, user });
  client.allocate();
  client.bindChannel(0x4000, '10.0.0.1', 1000);
  client.permit('10.0.0.2');
  return client;
}

function at(ms: number): Now {
  return { monotonicMs: ms as MonotonicMs, unixSeconds: 0 as UnixSeconds };
}
