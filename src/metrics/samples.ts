import type { FilesReading } from './metrics-source.ts';
import type { Labels } from './name-labels.ts';
import type { MetricName } from './names.ts';
import { PROCESS_SAMPLES } from './process-samples.ts';
import type { ReadSamples, Sample } from './sample.ts';
import type { NamedCluster } from './scrape.ts';
import type { HistogramTotals } from './statistics.ts';

/** Where each metric comes from. */
export const SAMPLES: Readonly<Record<MetricName, ReadSamples>> = {
  stunner_listener_packets_total: ({ listeners }) => listeners.flatMap(packets),
  stunner_listener_bytes_total: ({ listeners }) => listeners.flatMap(bytes),
  stunner_listener_connections_total: ({ listeners }) =>
    listeners.map(({ labels, totals }) => sample(totals.connectionsOpened, labels.name)),
  stunner_listener_connections: ({ listeners }) =>
    listeners.map(({ labels, connections }) => sample(connections, labels.name)),
  stunner_cluster_packets_total: ({ clusters }) => clusters.flatMap(packets),
  stunner_cluster_bytes_total: ({ clusters }) => clusters.flatMap(bytes),
  stunner_allocations_active: ({ now }) => one(now.allocationsActive),
  turnpike_allocations_max: ({ now }) => one(now.allocationsMax),
  turnpike_allocations_created_total: ({ statistics }) => one(statistics.allocationsCreated),
  turnpike_allocations_degraded_total: ({ statistics }) => one(statistics.allocationsDegraded),
  turnpike_allocations_refused_total: ({ statistics }) =>
    by('reason', statistics.allocationsRefused),
  turnpike_allocations_ended_total: ({ statistics }) => by('reason', statistics.allocationsEnded),
  turnpike_allocation_duration_seconds: ({ statistics }) =>
    histogram('turnpike_allocation_duration_seconds', statistics.allocationDurations),
  turnpike_allocation_bytes: ({ statistics }) =>
    histogram('turnpike_allocation_bytes', statistics.allocationBytes),
  turnpike_authentication_failures_total: ({ statistics }) =>
    by('reason', statistics.authenticationFailures),
  turnpike_permission_denials_total: ({ listeners }) =>
    listeners.flatMap(({ labels, totals }) =>
      labels.denials.map(([reason, own]) => sample(totals.denials[reason], own)),
    ),
  turnpike_turn_errors_total: ({ statistics }) =>
    statistics.errors.map(({ method, code, count }) => sample(count, { method, code: `${code}` })),
  turnpike_drops_total: ({ statistics }) => by('reason', statistics.drops),
  turnpike_handshake_failures_total: ({ listeners }) =>
    listeners.map(({ labels, totals }) => sample(totals.handshakeFailures, labels.name)),
  turnpike_secure_channel_failures_total: ({ statistics }) => one(statistics.channelFailures),
  turnpike_connections_refused_total: ({ statistics }) =>
    by('reason', statistics.connectionsRefused),
  turnpike_certificate_expiry_timestamp_seconds: ({ now }) =>
    byUse(now.certificates, ({ notAfter }) => notAfter, Math.min),
  turnpike_certificate_load_failures_total: ({ now }) => byUse(now.certificates, failuresOf, add),
  turnpike_client_trust_load_failures_total: ({ now }) => byUse(now.clientTrusts, failuresOf, add),
  turnpike_reloads_total: ({ now }) => by('outcome', now.reloads.counts),
  turnpike_reload_last_successful: ({ now }) => one(Number(now.reloads.isLastSuccessful)),
  turnpike_reload_last_success_timestamp_seconds: ({ now }) => one(now.reloads.lastSuccess),
  turnpike_workers: ({ now }) => one(now.workers.length),
  turnpike_worker_loop_lag_seconds: ({ now }) =>
    now.workers.map(({ lagMs }, worker) => sample(lagMs / 1000, { worker: `${worker}` })),
  turnpike_worker_restarts_total: ({ now }) =>
    now.workers.map(({ restarts }, worker) => sample(restarts, { worker: `${worker}` })),
  turnpike_relay_ports_used: ({ now }) =>
    now.relayPorts.map(({ family, used }) => sample(used, { family })),
  turnpike_relay_ports_max: ({ now }) =>
    now.relayPorts.map(({ family, max }) => sample(max, { family })),
  turnpike_ready: ({ now }) => one(Number(now.isReady)),
  turnpike_draining: ({ now }) => one(Number(now.isDraining)),
  turnpike_revocations: ({ now }) => one(now.revocations),
  turnpike_name_problems_total: ({ now }) => by('reason', now.nameProblems),
  turnpike_log_lines_lost_total: ({ now }) => one(now.logLinesLost),
  turnpike_ice_answers_total: ({ now }) =>
    Array.from(now.iceAnswers ?? [], ([status, count]) => sample(count, { code: `${status}` })),
  turnpike_build_info: ({ version, mode }) => [sample(1, { version, mode })],
  ...PROCESS_SAMPLES,
};

const sample = (value: number, labels: Labels): Sample => ({ value, labels });
const one = (value: number): Sample[] => [sample(value, {})];
const add = (first: number, second: number): number => first + second;
const failuresOf = ({ failures }: FilesReading): number => failures;

function packets({ labels, totals }: NamedCluster): Sample[] {
  return [sample(totals.receivedPackets, labels.received), sample(totals.sentPackets, labels.sent)];
}

function bytes({ labels, totals }: NamedCluster): Sample[] {
  return [sample(totals.receivedBytes, labels.received), sample(totals.sentBytes, labels.sent)];
}

function by(label: string, counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([value, count]) => sample(count, { [label]: value }));
}

/** One sample for each use, made of all values that belong to it. */
function byUse<Files extends FilesReading>(
  all: readonly Files[],
  valueOf: (files: Files) => number,
  join: (first: number, second: number) => number,
): Sample[] {
  const values = new Map<string, number>();
  for (const files of all) {
    for (const use of files.uses) {
      const value = values.get(use);
      values.set(use, value === undefined ? valueOf(files) : join(value, valueOf(files)));
    }
  }
  return Array.from(values, ([use, value]) => sample(value, { use }));
}

/** Prometheus' buckets contain those below them. */
function histogram(name: MetricName, { buckets, counts, sum, count }: HistogramTotals): Sample[] {
  let below = 0;
  const lines = [...buckets.map(String), '+Inf'].map((le, index) => {
    below += counts[index]!;
    return { value: below, labels: { le }, metricName: `${name}_bucket` };
  });
  return [
    ...lines,
    { value: sum, labels: {}, metricName: `${name}_sum` },
    { value: count, labels: {}, metricName: `${name}_count` },
  ];
}
