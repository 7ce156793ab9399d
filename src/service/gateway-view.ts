import { RELAY_PORT_MIN } from '../net/shared/shared-memory.ts';
import type { Log } from '../log.ts';
import { AnswerCounts } from '../metrics/answer-counts.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { WORKER_STALL_SECONDS } from '../limits.ts';
import type { GatewayStatus } from '../http/admin/gateway-control.ts';
import type { Statistics } from '../metrics/statistics.ts';
import type { RelayPortReading } from '../metrics/metrics-source.ts';
import { countOwnedPorts } from '../metrics/relay-port-use.ts';
import { countAllocations } from '../net/shared/quota-table.ts';
import type { ClusterResolver } from '../route/cluster-resolver.ts';
import type { StoreStatus } from '../tls/certificate-status.ts';
import type { CreatedDataPlane } from './create-data-plane.ts';
import type { PolicyStore } from './policy-store.ts';
import type { Reloader } from './reloader.ts';

/** What a gateway is at the moment. */
export type GatewayState = GatewayStatus['state'];

/** What changes while a gateway runs. */
export interface GatewayMoment {
  readonly config: GatewayConfig;
  readonly state: GatewayState;
  readonly certificates: StoreStatus;
}

/** What a view looks at. */
export interface GatewayViewOptions {
  readonly version: string;
  readonly created: CreatedDataPlane;
  readonly policies: PolicyStore;
  readonly statistics: Statistics;
  readonly reloader: Pick<Reloader, 'last' | 'counts' | 'lastSuccessUnixSeconds'>;
  readonly resolver: Pick<ClusterResolver, 'problems'>;
  readonly log: Pick<Log, 'lostLines'>;
  readonly now: () => GatewayMoment;
}

/** Whether a gateway should get new clients, and why not. */
export interface Readiness {
  readonly isReady: boolean;
  /** For operators and health checks; undefined when it is ready. */
  readonly reason: string | undefined;
}

/** A running gateway as health checks, metrics and operators see it. */
export class GatewayView {
  readonly version: string;
  readonly startedAt = new Date().toISOString();
  readonly statistics: Statistics;
  readonly policies: PolicyStore;
  readonly reloader: GatewayViewOptions['reloader'];
  readonly created: CreatedDataPlane;
  readonly iceAnswers = new AnswerCounts();
  readonly #resolver: GatewayViewOptions['resolver'];
  readonly #log: Pick<Log, 'lostLines'>;
  readonly #now: () => GatewayMoment;

  constructor(options: GatewayViewOptions) {
    const { version, created, policies, statistics, reloader, resolver, log, now } = options;
    this.version = version;
    this.created = created;
    this.policies = policies;
    this.statistics = statistics;
    this.reloader = reloader;
    this.#resolver = resolver;
    this.#log = log;
    this.#now = now;
  }

  get now(): GatewayMoment {
    return this.#now();
  }

  get config(): GatewayConfig {
    return this.#now().config;
  }

  /** Look-ups of names of clusters that came out with a problem since the start. */
  get nameProblems(): ClusterResolver['problems'] {
    return this.#resolver.problems;
  }

  /** Lines of the log that were lost since the start. */
  get logLinesLost(): number {
    return this.#log.lostLines;
  }

  /** Allocations over all workers. */
  get allocations(): number {
    return countAllocations(this.created.memory.quota);
  }

  /** Relay ports in use, of those in the range. */
  get relayPorts(): readonly RelayPortReading[] {
    const { minPort, maxPort } = this.config.relay;
    const max = maxPort - minPort + 1;
    const { portOwnersIpv4, portOwnersIpv6 } = this.created.memory;
    const used = (owners: SharedArrayBuffer): number =>
      countOwnedPorts(owners, RELAY_PORT_MIN, { minPort, maxPort });
    return [
      { family: 'ipv4', used: used(portOwnersIpv4), max },
      { family: 'ipv6', used: used(portOwnersIpv6), max },
    ];
  }

  /** False when the loop of a worker has stood still for too long. */
  get isAlive(): boolean {
    return this.created.plane.workers().every(({ lagMs }) => lagMs < WORKER_STALL_SECONDS * 1000);
  }

  get readiness(): Readiness {
    const reason = this.#notReadyReason();
    return { isReady: reason === undefined, reason };
  }

  #notReadyReason(): string | undefined {
    const { state, config } = this.now;
    if (state !== 'running') return state;
    if (!this.isAlive) return 'a relay worker stands still';
    const { readyFillMax } = config.admin;
    const { allocations } = this;
    const { allocationsMax } = config.limits;
    if (allocations >= allocationsMax * readyFillMax) {
      return `${allocations} of ${allocationsMax} allocations`;
    }
    const full = this.relayPorts.find(({ used, max }) => used >= max * readyFillMax);
    return full && `${full.used} of ${full.max} relay ports (${full.family})`;
  }
}
