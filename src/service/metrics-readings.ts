import type { GatewayReadings, ListenerReading, MetricsSource } from '../metrics/metrics-source.ts';
import { OTHER_SLOT, type SlotByName } from '../metrics/name-slots.ts';
import type { GatewayView } from './gateway-view.ts';

/** What the metrics of a gateway are read from. */
export function metricsSource(view: GatewayView): MetricsSource {
  const { version, statistics, created } = view;
  return { version, mode: created.plane.mode, statistics, read: () => readingsOf(view) };
}

function readingsOf(view: GatewayView): GatewayReadings {
  const { config, state, certificates } = view.now;
  const { last, counts, lastSuccessUnixSeconds } = view.reloader;
  const { slots } = view.policies;
  return {
    listeners: listenersOf(view),
    clusters: slotsOf(config.clusters, slots.clusters),
    allocationsActive: view.allocations,
    allocationsMax: config.limits.allocationsMax,
    relayPorts: view.relayPorts,
    workers: view.created.plane.workers(),
    certificates: certificates.certificates,
    clientTrusts: certificates.clientTrusts,
    reloads: {
      counts,
      isLastSuccessful: last?.outcome !== 'failed',
      lastSuccess: lastSuccessUnixSeconds,
    },
    isReady: view.readiness.isReady,
    isDraining: state !== 'running',
    revocations: view.policies.revocations.length,
    nameProblems: view.nameProblems,
    logLinesLost: view.logLinesLost,
    iceAnswers: config.ice && view.iceAnswers.byStatus,
  };
}

function listenersOf({ config, policies, created }: GatewayView): ListenerReading[] {
  const { listeners } = policies.slots;
  return config.listeners.map(({ name, protocol }) => ({
    name,
    slot: listeners.get(name) ?? OTHER_SLOT,
    ...(protocol === 'udp' ? { sockets: created.workers } : {}),
  }));
}

function slotsOf(named: readonly { readonly name: string }[], slots: SlotByName): SlotByName {
  return new Map(named.map(({ name }) => [name, slots.get(name) ?? OTHER_SLOT]));
}
