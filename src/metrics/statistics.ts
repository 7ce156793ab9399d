import { CONNECTION_REFUSALS } from '../net/shared/transport-event.ts';
import {
  ALLOCATION_ENDS,
  ALLOCATION_REFUSALS,
  AUTHENTICATION_FAILURES,
  DROP_REASONS,
} from '../turn/commands.ts';
import { PEER_DENIALS } from '../turn/policy.ts';
import {
  BYTES_BUCKETS,
  clusterPlace,
  DURATION_BUCKETS,
  ERROR_CODES_COUNTED,
  ERROR_METHODS,
  LISTENER_PLACE,
  listenerPlace,
  PLACE,
  REGION_VALUES,
} from './statistics-layout.ts';

/** Packets and bytes both ways. */
export interface TrafficTotals {
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  readonly sentPackets: number;
  readonly sentBytes: number;
}

/** What clients have done over one listener. */
export interface ListenerTotals extends TrafficTotals {
  readonly denials: Readonly<Record<(typeof PEER_DENIALS)[number], number>>;
  /** Stream connections and DTLS associations so far. */
  readonly connectionsOpened: number;
  /** Those that are open now. */
  readonly connectionsOpen: number;
  readonly handshakeFailures: number;
}

/** A histogram as Prometheus has it, but with buckets that do not contain each other. */
export interface HistogramTotals {
  /** Upper bounds. */
  readonly buckets: readonly number[];
  /** One for each bucket, and one for what exceeds them all. */
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

/** Reads what all workers together have counted; every getter adds up anew. */
export class Statistics {
  readonly #regions: readonly Float64Array[];

  /** @param memory - of `createStatisticsMemory`. */
  constructor(memory: SharedArrayBuffer) {
    const bytes = REGION_VALUES * Float64Array.BYTES_PER_ELEMENT;
    this.#regions = Array.from({ length: memory.byteLength / bytes }, (_, worker) => {
      return new Float64Array(memory, worker * bytes, REGION_VALUES);
    });
  }

  /** Inputs dropped in silence. */
  get drops(): Record<(typeof DROP_REASONS)[number], number> {
    return this.#record(DROP_REASONS, PLACE.drops);
  }

  get authenticationFailures(): Record<(typeof AUTHENTICATION_FAILURES)[number], number> {
    return this.#record(AUTHENTICATION_FAILURES, PLACE.authenticationFailures);
  }

  /** Error responses of every kind that there is, also of those that were never sent. */
  get errors(): { readonly method: string; readonly code: number; readonly count: number }[] {
    const columns = ERROR_CODES_COUNTED.length;
    return Object.keys(ERROR_METHODS).flatMap((method, row) =>
      ERROR_CODES_COUNTED.map((code, column) => {
        return { method, code, count: this.#sum(PLACE.errors + row * columns + column) };
      }),
    );
  }

  get allocationsCreated(): number {
    return this.#sum(PLACE.allocationsCreated);
  }

  /** Those granted beyond the quota of their user. */
  get allocationsDegraded(): number {
    return this.#sum(PLACE.allocationsDegraded);
  }

  get allocationsRefused(): Record<(typeof ALLOCATION_REFUSALS)[number], number> {
    return this.#record(ALLOCATION_REFUSALS, PLACE.allocationsRefused);
  }

  get allocationsEnded(): Record<(typeof ALLOCATION_ENDS)[number], number> {
    return this.#record(ALLOCATION_ENDS, PLACE.allocationsEnded);
  }

  get connectionsRefused(): Record<(typeof CONNECTION_REFUSALS)[number], number> {
    return this.#record(CONNECTION_REFUSALS, PLACE.connectionsRefused);
  }

  /** TLS and DTLS channels that failed after their handshake. */
  get channelFailures(): number {
    return this.#sum(PLACE.channelFailures);
  }

  /** How long allocations that have ended lived, seconds. */
  get allocationDurations(): HistogramTotals {
    return this.#histogram(PLACE.duration, DURATION_BUCKETS);
  }

  /** What allocations that have ended relayed both ways, bytes. */
  get allocationBytes(): HistogramTotals {
    return this.#histogram(PLACE.bytes, BYTES_BUCKETS);
  }

  /** What came from clients of a listener and went to them; `slot` is that of its name. */
  listener(slot: number): ListenerTotals {
    const at = listenerPlace(slot);
    return {
      ...this.#traffic(at + LISTENER_PLACE.traffic),
      denials: this.#record(PEER_DENIALS, at + LISTENER_PLACE.denials),
      connectionsOpened: this.#sum(at + LISTENER_PLACE.connectionsOpened),
      connectionsOpen: this.#sum(at + LISTENER_PLACE.connectionsOpen),
      handshakeFailures: this.#sum(at + LISTENER_PLACE.handshakeFailures),
    };
  }

  /** What came from peers of a cluster and went to them; `slot` is that of its name. */
  cluster(slot: number): TrafficTotals {
    return this.#traffic(clusterPlace(slot));
  }

  #traffic(at: number): TrafficTotals {
    return {
      receivedPackets: this.#sum(at),
      receivedBytes: this.#sum(at + 1),
      sentPackets: this.#sum(at + 2),
      sentBytes: this.#sum(at + 3),
    };
  }

  #histogram(at: number, buckets: readonly number[]): HistogramTotals {
    const counts = Array.from({ length: buckets.length + 1 }, (_, index) => this.#sum(at + index));
    const sum = this.#sum(at + buckets.length + 1);
    return { buckets, counts, sum, count: this.#sum(at + buckets.length + 2) };
  }

  #record<Name extends string>(names: readonly Name[], at: number): Record<Name, number> {
    const record = {} as Record<Name, number>;
    for (const [index, name] of names.entries()) record[name] = this.#sum(at + index);
    return record;
  }

  #sum(at: number): number {
    let sum = 0;
    for (const region of this.#regions) sum += region[at]!;
    return sum;
  }
}
