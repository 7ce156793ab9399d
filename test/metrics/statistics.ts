import t from 'tap';
import { METRIC_NAMES_MAX } from '../../src/limits.ts';
import { NameSlots, OTHER_SLOT } from '../../src/metrics/name-slots.ts';
import {
  BYTES_BUCKETS,
  DURATION_BUCKETS,
  ERROR_CODES_COUNTED,
  ERROR_METHODS,
} from '../../src/metrics/statistics-layout.ts';
import { CONNECTION_REFUSALS } from '../../src/net/shared/transport-event.ts';
import { METHOD } from '../../src/stun/registry.ts';
import {
  ALLOCATION_ENDS,
  ALLOCATION_REFUSALS,
  AUTHENTICATION_FAILURES,
  DROP_REASONS,
} from '../../src/turn/commands.ts';
import type { MonotonicMs } from '../../src/turn/policy.ts';
import { PEER_DENIALS } from '../../src/turn/policy.ts';
import { TrafficCounter } from '../../src/turn/traffic.ts';
import { countEvent, endedAllocation, transportEvent } from '../support/metrics-events.ts';
import { MetricsScene } from '../support/metrics-scene.ts';

/** Counts each name a different number of times, over two workers, and expects to read the sums. */
function expectCounts<Name extends string>(
  name: string,
  reasons: readonly Name[],
  count: (scene: MetricsScene, worker: number, reason: Name) => void,
  read: (scene: MetricsScene) => Readonly<Record<Name, number>>,
): void {
  t.test(name, (t) => {
    const scene = new MetricsScene();
    const expected = Object.fromEntries(reasons.map((reason, index) => [reason, index + 1]));
    for (const [index, reason] of reasons.entries()) {
      for (let times = 0; times <= index; times++) count(scene, times % 2, reason);
    }
    t.strictSame(read(scene), expected, 'every reason on its own');
    t.end();
  });
}

expectCounts(
  'drops',
  DROP_REASONS,
  (scene, worker, reason) => scene.worker(worker).countDrop(reason),
  ({ statistics }) => statistics.drops,
);
expectCounts(
  'authentication failures',
  AUTHENTICATION_FAILURES,
  (scene, worker, reason) => countEvent(scene.worker(worker), 'authenticationFailed', { reason }),
  ({ statistics }) => statistics.authenticationFailures,
);
expectCounts(
  'refused allocations',
  ALLOCATION_REFUSALS,
  (scene, worker, reason) => countEvent(scene.worker(worker), 'allocationRefused', { reason }),
  ({ statistics }) => statistics.allocationsRefused,
);
expectCounts(
  'ended allocations',
  ALLOCATION_ENDS,
  (scene, worker, reason) => endedAllocation(scene.worker(worker), { reason }),
  ({ statistics }) => statistics.allocationsEnded,
);
expectCounts(
  'refused connections',
  CONNECTION_REFUSALS,
  (scene, worker, reason) =>
    transportEvent(scene.worker(worker), 'tls', { kind: 'connectionRefused', reason }),
  ({ statistics }) => statistics.connectionsRefused,
);
expectCounts(
  'denials of a listener',
  PEER_DENIALS,
  (scene, worker, verdict) =>
    countEvent(scene.worker(worker), 'peerDenied', {
      verdict,
      allocation: { client: { endpoint: { listener: 'tls' } } },
    }),
  ({ statistics, slots }) => statistics.listener(slots.listeners.get('tls')!).denials,
);

t.test('errors are counted by method and code, and nothing else is', (t) => {
  const scene = new MetricsScene();
  const worker = scene.worker();
  const expected = Object.entries(ERROR_METHODS).flatMap(([method, number], row) =>
    ERROR_CODES_COUNTED.map((code, column) => {
      for (let times = 0; times < row + column; times++) worker.countError(number, code);
      return { method, code, count: row + column };
    }),
  );
  worker.countError(METHOD.SEND, 400);
  worker.countError(METHOD.ALLOCATE, 499);
  t.strictSame(scene.statistics.errors, expected);
  t.end();
});

t.test('allocations that begin', (t) => {
  const scene = new MetricsScene();
  countEvent(scene.worker(0), 'allocationCreated', { allocation: { isDegraded: false } });
  countEvent(scene.worker(1), 'allocationCreated', { allocation: { isDegraded: true } });
  t.equal(scene.statistics.allocationsCreated, 2);
  t.equal(scene.statistics.allocationsDegraded, 1);
  t.end();
});

t.test('traffic is counted by name and direction over all workers', (t) => {
  const scene = new MetricsScene({ listeners: ['a', 'b'], clusters: ['a', 'b'] });
  for (const number of [0, 1]) {
    const worker = scene.worker(number);
    worker.ofListener('a').countReceived(10);
    worker.ofListener('a').countSent(200);
    worker.ofListener('a').countSent(300);
    worker.ofCluster('b').countReceived(4000);
  }
  const nothing = { receivedPackets: 0, receivedBytes: 0, sentPackets: 0, sentBytes: 0 };
  const listener = (name: string) => scene.statistics.listener(scene.slots.listeners.get(name)!);
  const cluster = (name: string) => scene.statistics.cluster(scene.slots.clusters.get(name)!);
  t.match(listener('a'), {
    receivedPackets: 2,
    receivedBytes: 20,
    sentPackets: 4,
    sentBytes: 1000,
  });
  t.match(listener('b'), nothing);
  t.strictSame(cluster('a'), nothing);
  t.strictSame(cluster('b'), { ...nothing, receivedPackets: 2, receivedBytes: 8000 });
  t.end();
});

t.test('connections of a listener', (t) => {
  const scene = new MetricsScene();
  const worker = scene.worker();
  const other = scene.worker(1);
  for (const { of, kind } of [
    { of: worker, kind: 'connectionOpened' },
    { of: worker, kind: 'connectionOpened' },
    { of: worker, kind: 'connectionClosed' },
    { of: other, kind: 'connectionOpened' },
  ] as const) {
    transportEvent(of, 'tls', { kind });
  }
  transportEvent(worker, 'tls', { kind: 'handshakeFailed', reason: 'no shared cipher' });
  transportEvent(worker, 'tls', { kind: 'channelFailed', reason: 'bad record' });
  const { statistics, slots } = scene;
  const tls = slots.listeners.get('tls')!;
  t.match(statistics.listener(tls), {
    connectionsOpened: 3,
    connectionsOpen: 2,
    handshakeFailures: 1,
  });
  t.equal(statistics.channelFailures, 1);
  t.match(statistics.listener(slots.listeners.get('udp')!), {
    connectionsOpened: 0,
    connectionsOpen: 0,
    handshakeFailures: 0,
  });

  scene.worker(0);
  t.match(
    statistics.listener(tls),
    { connectionsOpened: 3, connectionsOpen: 1, handshakeFailures: 1 },
    'those of a worker that died are closed, and all else goes on',
  );
  t.end();
});

t.test('every count of a worker outlives it but open connections', (t) => {
  const scene = new MetricsScene({ listeners: ['a', 'b'], clusters: ['a'] });
  const values = new Float64Array(scene.memory);
  const half = values.length / 2;
  values.fill(1);
  scene.worker(0);
  const cleared = [...values.keys()].filter((index) => values[index] === 0);
  t.equal(cleared.length, METRIC_NAMES_MAX, 'one value of each listener');
  t.ok(cleared.at(-1)! < half, 'of the own region');
  t.equal(scene.statistics.listener(METRIC_NAMES_MAX - 1).connectionsOpen, 1, 'the last one too');
  t.equal(scene.statistics.cluster(0).receivedPackets, 2);
  t.end();
});

t.test('histograms of allocations that ended', (t) => {
  const [first, second] = DURATION_BUCKETS as [number, number];
  const cases = [
    { seconds: 0, bytes: 0, duration: 0, size: 0 },
    { seconds: first, bytes: BYTES_BUCKETS[0]!, duration: 0, size: 0 },
    { seconds: first + 0.001, bytes: BYTES_BUCKETS[0]! + 1, duration: 1, size: 1 },
    { seconds: second, bytes: BYTES_BUCKETS[1]!, duration: 1, size: 1 },
    {
      seconds: DURATION_BUCKETS.at(-1)!,
      bytes: BYTES_BUCKETS.at(-1)!,
      duration: DURATION_BUCKETS.length - 1,
      size: BYTES_BUCKETS.length - 1,
    },
    { seconds: 1e6, bytes: 1e12, duration: DURATION_BUCKETS.length, size: BYTES_BUCKETS.length },
  ];
  for (const { seconds, bytes, duration, size } of cases) {
    const scene = new MetricsScene();
    const traffic = new TrafficCounter();
    traffic.countReceived(bytes - Math.floor(bytes / 2));
    traffic.countSent(Math.floor(bytes / 2));
    const createdAtMs = 5000 as MonotonicMs;
    endedAllocation(scene.worker(), { createdAtMs, traffic, nowMs: 5000 + seconds * 1000 });
    const { allocationDurations, allocationBytes } = scene.statistics;
    const what = `${seconds} s and ${bytes} bytes`;
    t.match(allocationDurations, { buckets: DURATION_BUCKETS, count: 1 }, what);
    t.match(allocationBytes, { buckets: BYTES_BUCKETS, sum: bytes, count: 1 }, what);
    t.ok(Math.abs(allocationDurations.sum - seconds) < 1e-9, what);
    t.equal(allocationDurations.counts.indexOf(1), duration, `${what}: duration bucket`);
    t.equal(allocationBytes.counts.indexOf(1), size, `${what}: size bucket`);
    t.equal(allocationBytes.counts.length, BYTES_BUCKETS.length + 1);
  }
  t.end();
});

t.test('slots', (t) => {
  const slots = new NameSlots();
  slots.assign(['a', 'b', 'a']);
  slots.assign(['c', 'a']);
  t.strictSame(
    [...slots.all],
    [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ],
    'one for each name, for good',
  );
  const names = Array.from({ length: 2 * METRIC_NAMES_MAX }, (_, index) => `name-${index}`);
  slots.assign(names);
  t.equal(slots.all.size, METRIC_NAMES_MAX - 1, 'as many as there are, one is for all others');
  t.equal(new Set(slots.all.values()).size, METRIC_NAMES_MAX - 1, 'all different');
  t.equal(Math.max(...slots.all.values()), METRIC_NAMES_MAX - 1);
  t.notOk([...slots.all.values()].includes(OTHER_SLOT));
  t.equal(slots.all.get('a'), 1, 'kept');
  t.end();
});

t.test('names without a slot are counted together', (t) => {
  const scene = new MetricsScene({ listeners: ['a'], clusters: ['a'] });
  const worker = scene.worker();
  worker.ofListener('unknown').countReceived(1);
  worker.ofCluster('unknown').countReceived(2);
  transportEvent(worker, 'unknown', { kind: 'connectionOpened' });
  t.match(scene.statistics.listener(OTHER_SLOT), { receivedBytes: 1, connectionsOpen: 1 });
  t.match(scene.statistics.cluster(OTHER_SLOT), { receivedBytes: 2 });
  t.equal(scene.statistics.listener(1).receivedBytes, 0);

  worker.replaceSlots({ ...scene.slots, listeners: new Map([['unknown', 7]]) });
  worker.ofListener('unknown').countReceived(3);
  t.equal(scene.statistics.listener(7).receivedBytes, 3, 'until they have one');
  t.end();
});
