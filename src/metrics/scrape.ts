import type { NameLabelCache, NameLabels } from './name-labels.ts';
import { OTHER_SLOT } from './name-slots.ts';
import type { GatewayReadings, MetricsSource } from './metrics-source.ts';
import type { ListenerTotals, TrafficTotals } from './statistics.ts';

/** Label of listeners or clusters that have no metrics of their own; nobody can configure this name. */
export const OTHER_NAME = '';

/** What one listener, or all without metrics of their own, has counted. */
export interface NamedListener {
  readonly labels: NameLabels;
  readonly totals: ListenerTotals;
  /** Open connections, or sockets where there are none. */
  readonly connections: number;
}

/** What one cluster, or all without metrics of their own, has counted. */
export interface NamedCluster {
  readonly labels: NameLabels;
  readonly totals: TrafficTotals;
}

/** Everything that one scrape tells, read at its beginning. */
export interface Scrape extends Pick<MetricsSource, 'version' | 'mode' | 'statistics'> {
  readonly now: GatewayReadings;
  readonly listeners: readonly NamedListener[];
  readonly clusters: readonly NamedCluster[];
}

/** Reads all values of now. */
export function takeScrape(source: MetricsSource, labels: NameLabelCache): Scrape {
  const { version, mode, statistics } = source;
  const now = source.read();
  const sockets = new Map<number, number>();
  for (const { slot, sockets: own = 0 } of now.listeners) {
    sockets.set(slot, (sockets.get(slot) ?? 0) + own);
  }
  const listeners = now.listeners.map(({ name, slot }) => [name, slot] as const);
  return {
    version,
    mode,
    statistics,
    now,
    listeners: nameBySlot(listeners).map(([slot, name]) => {
      const totals = statistics.listener(slot);
      const connections = totals.connectionsOpen + sockets.get(slot)!;
      return { labels: labels.of(name), totals, connections };
    }),
    clusters: nameBySlot(now.clusters).map(([slot, name]) => {
      return { labels: labels.of(name), totals: statistics.cluster(slot) };
    }),
  };
}

/** The label of each slot, so that what is counted together is told once. */
function nameBySlot(
  slots: Iterable<readonly [name: string, slot: number]>,
): [slot: number, name: string][] {
  const nameOf = new Map<number, string>();
  for (const [name, slot] of slots) nameOf.set(slot, slot === OTHER_SLOT ? OTHER_NAME : name);
  return [...nameOf];
}
