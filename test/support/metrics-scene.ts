import type { GatewayReadings, MetricsSource } from '../../src/metrics/metrics-source.ts';
import { NameSlots, OTHER_SLOT } from '../../src/metrics/name-slots.ts';
import { createMetrics } from '../../src/metrics/registry.ts';
import { createStatisticsMemory } from '../../src/metrics/statistics-layout.ts';
import { Statistics } from '../../src/metrics/statistics.ts';
import { WorkerStatistics, type StatisticsSlots } from '../../src/metrics/worker-statistics.ts';
import { RESOLVER_PROBLEMS } from '../../src/route/cluster-resolver.ts';
import { Exposition } from './exposition.ts';

/** Names of a scene. */
export interface SceneNames {
  readonly listeners: readonly string[];
  readonly clusters: readonly string[];
}

/** Workers that count, the main thread that reads, and what it knows besides. */
export class MetricsScene {
  readonly names: SceneNames;
  readonly slots: StatisticsSlots;
  readonly memory: SharedArrayBuffer;
  readonly statistics: Statistics;
  /** What differs from a gateway that has just started. */
  changes: Partial<GatewayReadings> = {};

  constructor(names: Partial<SceneNames> = {}, workers = 2) {
    this.names = {
      listeners: names.listeners ?? ['udp', 'tls'],
      clusters: names.clusters ?? ['media'],
    };
    this.slots = {
      listeners: slotsOf(this.names.listeners),
      clusters: slotsOf(this.names.clusters),
    };
    this.memory = createStatisticsMemory(workers);
    this.statistics = new Statistics(this.memory);
  }

  /** Starts a worker, or starts it again. */
  worker(number = 0): WorkerStatistics {
    return new WorkerStatistics(this.memory, number, this.slots);
  }

  /** Where metrics come from. */
  get source(): MetricsSource {
    const { statistics } = this;
    return { version: '1.2.3', mode: 'reactor', statistics, read: () => this.#read() };
  }

  /** What a scrape tells now. */
  async scrape(): Promise<Exposition> {
    return new Exposition(await createMetrics(this.source).scrape());
  }

  #read(): GatewayReadings {
    const { listeners, clusters } = this.slots;
    return {
      listeners: this.names.listeners.map((name) => {
        return { name, slot: listeners.get(name) ?? OTHER_SLOT };
      }),
      clusters: new Map(
        this.names.clusters.map((name) => [name, clusters.get(name) ?? OTHER_SLOT]),
      ),
      allocationsActive: 0,
      allocationsMax: 100,
      relayPorts: [{ family: 'ipv4', used: 0, max: 1000 }],
      workers: [{ lagMs: 0, restarts: 0 }],
      certificates: [],
      clientTrusts: [],
      reloads: {
        counts: { applied: 0, unchanged: 0, failed: 0 },
        isLastSuccessful: true,
        lastSuccess: 1_700_000_000,
      },
      isReady: true,
      isDraining: false,
      revocations: 0,
      nameProblems: Object.fromEntries(RESOLVER_PROBLEMS.map((problem) => [problem, 0])),
      logLinesLost: 0,
      ...this.changes,
    };
  }
}

function slotsOf(names: readonly string[]): ReadonlyMap<string, number> {
  const slots = new NameSlots();
  slots.assign(names);
  return slots.all;
}
