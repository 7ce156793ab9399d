import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { METRIC_NAMES_MAX } from '../../src/limits.ts';
import { AnswerCounts } from '../../src/metrics/answer-counts.ts';
import { EntryCount } from '../../src/metrics/entry-count.ts';
import { METRICS } from '../../src/metrics/names.ts';
import { createMetrics } from '../../src/metrics/registry.ts';
import { countOwnedPorts } from '../../src/metrics/relay-port-use.ts';
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
import { PEER_DENIALS } from '../../src/turn/policy.ts';
import { TrafficCounter } from '../../src/turn/traffic.ts';
import { missingTool } from '../support/child-process.ts';
import { countEvent, endedAllocation, transportEvent } from '../support/metrics-events.ts';
import { MetricsScene } from '../support/metrics-scene.ts';
import { poll } from '../support/poll.ts';

t.test('every metric of the table is told with its type, its help and its labels', async (t) => {
  const scene = fullScene();
  const { metrics } = await scene.scrape();
  t.strictSame([...metrics.keys()], Object.keys(METRICS));
  for (const [name, { type, help, labels }] of Object.entries(METRICS)) {
    const metric = metrics.get(name)!;
    t.equal(metric.type, type, `${name}: type`);
    t.equal(metric.help, help, `${name}: help`);
    t.not(metric.samples.length, 0, `${name}: there is a value`);
    for (const sample of metric.samples) {
      const own = Object.keys(sample.labels).filter(
        (label) => type !== 'histogram' || label !== 'le',
      );
      t.strictSame(own, labels, `${name}: labels`);
      t.ok(type === 'histogram' ? sample.name.startsWith(`${name}_`) : sample.name === name);
    }
  }
});

t.test('everything that is counted is there from the start, with 0', async (t) => {
  const exposition = await new MetricsScene().scrape();
  const reasons = {
    turnpike_allocations_refused_total: ALLOCATION_REFUSALS,
    turnpike_allocations_ended_total: ALLOCATION_ENDS,
    turnpike_authentication_failures_total: AUTHENTICATION_FAILURES,
    turnpike_permission_denials_total: PEER_DENIALS,
    turnpike_drops_total: DROP_REASONS,
    turnpike_connections_refused_total: CONNECTION_REFUSALS,
  };
  for (const [name, expected] of Object.entries(reasons)) {
    t.strictSame(exposition.labelValues(name, 'reason'), [...expected], name);
  }
  const errors = 'turnpike_turn_errors_total';
  t.strictSame(exposition.labelValues(errors, 'method'), Object.keys(ERROR_METHODS));
  t.strictSame(exposition.labelValues(errors, 'code'), ERROR_CODES_COUNTED.map(String));
  t.strictSame(exposition.labelValues('turnpike_reloads_total', 'outcome'), [
    'applied',
    'unchanged',
    'failed',
  ]);
  for (const [name, { type, samples }] of exposition.metrics) {
    if (type !== 'counter' || !/^(stunner|turnpike)_/.test(name)) continue;
    t.strictSame(
      [...new Set(samples.map(({ value }) => value))].slice(0, 2),
      samples[0] ? [0] : [],
    );
  }
  for (const name of ['stunner_listener_connections', 'stunner_allocations_active']) {
    t.strictSame(
      [...new Set(exposition.metrics.get(name)!.samples.map(({ value }) => value))],
      [0],
    );
  }
});

t.test('each value is told where it belongs', async (t) => {
  const exposition = await fullScene().scrape();
  const expected: readonly (readonly [string, Record<string, string>, number])[] = [
    ['stunner_listener_packets_total', { name: 'udp', direction: 'rx' }, 1],
    ['stunner_listener_packets_total', { name: 'udp', direction: 'tx' }, 2],
    ['stunner_listener_packets_total', { name: 'tls', direction: 'rx' }, 0],
    ['stunner_listener_bytes_total', { name: 'udp', direction: 'rx' }, 100],
    ['stunner_listener_bytes_total', { name: 'udp', direction: 'tx' }, 50],
    ['stunner_listener_connections_total', { name: 'tls' }, 2],
    ['stunner_listener_connections_total', { name: 'udp' }, 0],
    ['stunner_listener_connections', { name: 'tls' }, 1],
    ['stunner_listener_connections', { name: 'udp' }, 4],
    ['stunner_cluster_packets_total', { name: 'media', direction: 'rx' }, 2],
    ['stunner_cluster_packets_total', { name: 'media', direction: 'tx' }, 1],
    ['stunner_cluster_bytes_total', { name: 'media', direction: 'rx' }, 30],
    ['stunner_cluster_bytes_total', { name: 'media', direction: 'tx' }, 7],
    ['stunner_allocations_active', {}, 17],
    ['turnpike_allocations_max', {}, 20],
    ['turnpike_allocations_created_total', {}, 1],
    ['turnpike_allocations_degraded_total', {}, 1],
    ['turnpike_allocations_refused_total', { reason: 'userQuotaReached' }, 1],
    ['turnpike_allocations_ended_total', { reason: 'kicked' }, 1],
    ['turnpike_authentication_failures_total', { reason: 'badIntegrity' }, 1],
    ['turnpike_permission_denials_total', { name: 'tls', reason: 'noRoute' }, 1],
    ['turnpike_permission_denials_total', { name: 'udp', reason: 'noRoute' }, 0],
    ['turnpike_turn_errors_total', { method: 'allocate', code: '486' }, 1],
    ['turnpike_drops_total', { reason: 'noPermission' }, 1],
    ['turnpike_handshake_failures_total', { name: 'tls' }, 1],
    ['turnpike_secure_channel_failures_total', {}, 1],
    ['turnpike_connections_refused_total', { reason: 'proxyUntrusted' }, 1],
    ['turnpike_certificate_expiry_timestamp_seconds', { use: 'listeners.tls' }, 1_800_000_000],
    ['turnpike_certificate_expiry_timestamp_seconds', { use: 'ice' }, 1_900_000_000],
    ['turnpike_certificate_load_failures_total', { use: 'listeners.tls' }, 5],
    ['turnpike_certificate_load_failures_total', { use: 'ice' }, 3],
    ['turnpike_client_trust_load_failures_total', { use: 'ice' }, 6],
    ['turnpike_reloads_total', { outcome: 'applied' }, 7],
    ['turnpike_reloads_total', { outcome: 'unchanged' }, 8],
    ['turnpike_reloads_total', { outcome: 'failed' }, 9],
    ['turnpike_reload_last_successful', {}, 0],
    ['turnpike_reload_last_success_timestamp_seconds', {}, 1_700_000_001],
    ['turnpike_workers', {}, 2],
    ['turnpike_worker_loop_lag_seconds', { worker: '0' }, 0.25],
    ['turnpike_worker_loop_lag_seconds', { worker: '1' }, 6],
    ['turnpike_worker_restarts_total', { worker: '1' }, 4],
    ['turnpike_relay_ports_used', { family: 'ipv6' }, 11],
    ['turnpike_relay_ports_max', { family: 'ipv4' }, 1000],
    ['turnpike_ready', {}, 0],
    ['turnpike_draining', {}, 1],
    ['turnpike_revocations', {}, 12],
    ['turnpike_name_problems_total', { reason: 'notFound' }, 15],
    ['turnpike_log_lines_lost_total', {}, 13],
    ['turnpike_ice_answers_total', { code: '200' }, 1],
    ['turnpike_ice_answers_total', { code: '429' }, 0],
    ['turnpike_build_info', { version: '1.2.3', mode: 'reactor' }, 1],
  ];
  for (const [name, labels, value] of expected) {
    t.equal(exposition.value(name, labels), value, `${name} ${JSON.stringify(labels)}`);
  }
  const told = new Set(expected.map(([name]) => name));
  const untold = Object.entries(METRICS)
    .filter(([name, { type }]) => type !== 'histogram' && /^(stunner|turnpike)_/.test(name))
    .filter(([name]) => !told.has(name));
  t.strictSame(untold, [], 'none is forgotten here');
});

t.test('buckets contain those below them', async (t) => {
  const scene = new MetricsScene();
  const seconds = [0.5, 5, 5, 100, 1e6];
  const bytes = [10, 5000, 5000, 2e6, 5e11];
  for (const [index, duration] of seconds.entries()) {
    const traffic = new TrafficCounter();
    traffic.countReceived(bytes[index]!);
    endedAllocation(scene.worker(index % 2), { traffic, nowMs: duration * 1000 });
  }
  const exposition = await scene.scrape();
  for (const { name, buckets, values } of [
    { name: 'turnpike_allocation_duration_seconds', buckets: DURATION_BUCKETS, values: seconds },
    { name: 'turnpike_allocation_bytes', buckets: BYTES_BUCKETS, values: bytes },
  ]) {
    for (const le of buckets) {
      const expected = values.filter((value) => value <= le).length;
      t.equal(exposition.value(`${name}_bucket`, { le: `${le}` }), expected, `${name} <= ${le}`);
    }
    t.equal(exposition.value(`${name}_bucket`, { le: '+Inf' }), values.length);
    t.equal(exposition.value(`${name}_count`), values.length);
    t.equal(
      exposition.value(`${name}_sum`),
      values.reduce((sum, value) => sum + value),
    );
  }
});

t.test('names are told as they are written, and there is a bound to them', async (t) => {
  const strange = ['a "b" \\ c', 'd{e="f"} 1', 'ü 🚦', '__proto__', 'constructor'];
  const scene = new MetricsScene({ listeners: strange, clusters: strange });
  for (const name of strange) scene.worker().ofListener(name).countReceived(9);
  const exposition = await scene.scrape();
  for (const name of strange) {
    t.equal(exposition.value('stunner_listener_bytes_total', { name, direction: 'rx' }), 9, name);
    t.equal(exposition.value('stunner_cluster_bytes_total', { name, direction: 'rx' }), 0, name);
  }

  const many = Array.from({ length: METRIC_NAMES_MAX + 10 }, (_, index) => `name-${index}`);
  const crowd = new MetricsScene({ listeners: many, clusters: many });
  crowd.changes = {
    listeners: many.map((name) => {
      return { name, slot: crowd.slots.listeners.get(name) ?? 0, sockets: 2 };
    }),
  };
  for (const name of many) crowd.worker().ofListener(name).countSent(1);
  const told = await crowd.scrape();
  const packets = told.metrics.get('stunner_listener_packets_total')!.samples;
  t.equal(packets.length, 2 * METRIC_NAMES_MAX, 'both directions of every slot, and no more');
  const others = { name: '', direction: 'tx' };
  t.equal(told.value('stunner_listener_packets_total', others), 11, 'the others are one');
  t.equal(told.value('stunner_listener_connections', { name: '' }), 22, 'with their sockets');
  t.equal(told.metrics.get('stunner_cluster_bytes_total')!.samples.length, 2 * METRIC_NAMES_MAX);
});

t.test(
  'who is gone from the configuration is told no more, and goes on when it is back',
  async (t) => {
    const scene = new MetricsScene();
    scene.worker().ofListener('tls').countReceived(3);
    const labels = { name: 'tls', direction: 'rx' };
    const listeners = scene.source.read().listeners;
    scene.changes = { listeners: listeners.filter(({ name }) => name !== 'tls') };
    t.equal((await scene.scrape()).value('stunner_listener_bytes_total', labels), undefined);
    scene.changes = {};
    t.equal((await scene.scrape()).value('stunner_listener_bytes_total', labels), 3);
  },
);

t.test('values are those of the moment', async (t) => {
  const scene = new MetricsScene();
  let reads = 0;
  const { source } = scene;
  const metrics = createMetrics({
    ...source,
    read: () => {
      reads++;
      return source.read();
    },
  });
  t.match(metrics.contentType, /^text\/plain; version=0\.0\.4/);
  const [first, same] = await Promise.all([metrics.scrape(), metrics.scrape()]);
  t.equal(first, same, 'who asks at the same time is told the same');
  t.equal(reads, 1, 'and it is read once');
  scene.changes = { allocationsActive: 3 };
  t.match(await metrics.scrape(), /^stunner_allocations_active 3$/m);

  scene.changes = { listeners: null as never };
  await t.rejects(metrics.scrape(), TypeError, 'a failure is told');
  scene.changes = { allocationsActive: 4 };
  t.match(await metrics.scrape(), /^stunner_allocations_active 4$/m, 'and does not last');
});

t.test('the process as a whole', async (t) => {
  const exposition = await new MetricsScene().scrape();
  const now = Date.now() / 1000;
  const start = exposition.value('process_start_time_seconds')!;
  t.ok(start > now - 3600 && start < now, 'start');
  t.ok(exposition.value('process_cpu_seconds_total')! > 0);
  t.ok(exposition.value('process_resident_memory_bytes')! > 1e7);
  t.ok(exposition.value('nodejs_eventloop_active_seconds_total')! > 0);
  if (process.platform !== 'linux') return;
  const open = exposition.value('process_open_fds')!;
  t.ok(open >= 3 && open <= exposition.value('process_max_fds')!, 'descriptors');
});

t.test('relay ports in use', (t) => {
  const owners = new SharedArrayBuffer(100);
  const bytes = new Uint8Array(owners);
  for (const port of [1024, 1030, 1039, 1040, 1123]) bytes[port - 1024] = 7;
  const count = (minPort: number, maxPort: number) => {
    return countOwnedPorts(owners, 1024, { minPort, maxPort });
  };
  t.equal(count(1024, 1123), 5);
  t.equal(count(1030, 1039), 2, 'both ends of the range count');
  t.equal(count(1031, 1038), 0);
  t.equal(count(1, 1024), 1, 'there are none below the first');
  t.end();
});

t.test('entries of a directory whose size is not told', async (t) => {
  const onLinux = process.platform === 'linux';
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-'));
  t.teardown(() => rm(folder, { recursive: true }));
  t.equal(new EntryCount(join(folder, 'missing')).read(), undefined, 'there is none');
  if (!onLinux) return;
  t.equal(statSync('/proc/self/task').size, 0, 'a directory of which the system tells no size');
  const threads = new EntryCount('/proc/self/task');
  const before = threads.read()!;
  t.equal(before, readdirSync('/proc/self/task').length, 'at first they are counted');
  const worker = new Worker('setInterval(() => {}, 1000)', { eval: true });
  t.teardown(() => worker.terminate());
  await once(worker, 'online');
  await poll(
    () => threads.read()!,
    (told) => told > before,
  );
  t.pass('then they are counted for the next time');
});

const promtool = missingTool('promtool');

t.test('promtool finds nothing to complain of', { skip: promtool }, async (t) => {
  const { text } = await fullScene().scrape();
  const check = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  t.equal(check.stderr + check.stdout, '');
  t.equal(check.status, 0);
});

/** Something has happened to everything that has a metric. */
function fullScene(): MetricsScene {
  const scene = new MetricsScene();
  const worker = scene.worker(0);
  worker.ofListener('udp').countReceived(100);
  worker.ofListener('udp').countSent(20);
  worker.ofListener('udp').countSent(30);
  worker.ofCluster('media').countReceived(10);
  scene.worker(1).ofCluster('media').countReceived(20);
  worker.ofCluster('media').countSent(7);
  worker.countDrop('noPermission');
  worker.countError(METHOD.ALLOCATE, 486);
  countEvent(worker, 'allocationCreated', { allocation: { isDegraded: true } });
  countEvent(worker, 'allocationRefused', { reason: 'userQuotaReached' });
  countEvent(worker, 'authenticationFailed', { reason: 'badIntegrity' });
  const tlsClient = { client: { endpoint: { listener: 'tls' } } };
  countEvent(worker, 'peerDenied', { verdict: 'noRoute', allocation: tlsClient });
  endedAllocation(worker, { reason: 'kicked' });
  for (const event of [
    { kind: 'connectionOpened' },
    { kind: 'connectionOpened' },
    { kind: 'connectionClosed' },
    { kind: 'connectionRefused', reason: 'proxyUntrusted' },
    { kind: 'handshakeFailed', reason: 'text of a client' },
    { kind: 'channelFailed', reason: 'text of a client' },
  ] as const) {
    transportEvent(worker, 'tls', event);
  }
  const answers = new AnswerCounts();
  answers.count(200);
  scene.changes = {
    listeners: scene.source.read().listeners.map((listener) => {
      return listener.name === 'udp' ? { ...listener, sockets: 4 } : listener;
    }),
    allocationsActive: 17,
    allocationsMax: 20,
    relayPorts: [
      { family: 'ipv4', used: 10, max: 1000 },
      { family: 'ipv6', used: 11, max: 1000 },
    ],
    workers: [
      { lagMs: 250, restarts: 0 },
      { lagMs: 6000, restarts: 4 },
    ],
    certificates: [
      { uses: ['listeners.tls', 'ice'], failures: 3, notAfter: 1_900_000_000 },
      { uses: ['listeners.tls'], failures: 2, notAfter: 1_800_000_000 },
    ],
    clientTrusts: [{ uses: ['ice'], failures: 6 }],
    reloads: {
      counts: { applied: 7, unchanged: 8, failed: 9 },
      isLastSuccessful: false,
      lastSuccess: 1_700_000_001,
    },
    isReady: false,
    isDraining: true,
    revocations: 12,
    nameProblems: { lookUpFailed: 14, notFound: 15 },
    logLinesLost: 13,
    iceAnswers: answers.byStatus,
  };
  return scene;
}
