import type { TransportEvent } from '../net/shared/transport-event.ts';
import { CONNECTION_REFUSALS } from '../net/shared/transport-event.ts';
import type { Allocation } from '../turn/allocation.ts';
import {
  ALLOCATION_ENDS,
  ALLOCATION_REFUSALS,
  AUTHENTICATION_FAILURES,
  DROP_REASONS,
  type DropReason,
  type TurnEvent,
} from '../turn/commands.ts';
import type { TurnCounters } from '../turn/counters.ts';
import { PEER_DENIALS, type MonotonicMs } from '../turn/policy.ts';
import { TrafficCounter } from '../turn/traffic.ts';
import { OTHER_SLOT, type SlotByName } from './name-slots.ts';
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

/** Where the listeners and clusters of a configuration are counted; plain data. */
export interface StatisticsSlots {
  readonly listeners: SlotByName;
  readonly clusters: SlotByName;
}

const METHODS = Object.values(ERROR_METHODS);

/**
 * Counts what one worker does in memory that the main thread reads at any time.
 *
 * The counts outlive the worker: the next one of the same number goes on with them.
 */
export class WorkerStatistics implements TurnCounters {
  readonly #values: Float64Array;
  #slots: StatisticsSlots;

  /** `worker` counts from 0; `memory` comes from `createStatisticsMemory`. */
  constructor(memory: SharedArrayBuffer, worker: number, slots: StatisticsSlots) {
    const offset = worker * REGION_VALUES * Float64Array.BYTES_PER_ELEMENT;
    this.#values = new Float64Array(memory, offset, REGION_VALUES);
    this.#slots = slots;
    this.#forgetOpenConnections();
  }

  /** Swaps what is counted where; what clients and peers have now is counted as before. */
  replaceSlots(slots: StatisticsSlots): void {
    this.#slots = slots;
  }

  countDrop(reason: DropReason): void {
    this.#add(PLACE.drops + DROP_REASONS.indexOf(reason));
  }

  countError(method: number, code: number): void {
    const row = METHODS.indexOf(method as (typeof METHODS)[number]);
    const column = ERROR_CODES_COUNTED.indexOf(code as (typeof ERROR_CODES_COUNTED)[number]);
    if (row < 0 || column < 0) return;
    this.#add(PLACE.errors + row * ERROR_CODES_COUNTED.length + column);
  }

  ofListener(name: string): TrafficCounter {
    return new TrafficCounter(this.#values, this.#placeOf(name) + LISTENER_PLACE.traffic);
  }

  ofCluster(name: string): TrafficCounter {
    const slot = this.#slots.clusters.get(name) ?? OTHER_SLOT;
    return new TrafficCounter(this.#values, clusterPlace(slot));
  }

  /** Counts an event of the core or of the connections to it. */
  count(event: TurnEvent | TransportEvent, now: MonotonicMs): void {
    switch (event.kind) {
      case 'allocationCreated':
        this.#add(PLACE.allocationsCreated);
        if (event.allocation.isDegraded) this.#add(PLACE.allocationsDegraded);
        break;
      case 'allocationDeleted':
        this.#add(PLACE.allocationsEnded + ALLOCATION_ENDS.indexOf(event.reason));
        this.#observeEnd(event.allocation, now);
        break;
      case 'allocationRefused':
        this.#add(PLACE.allocationsRefused + ALLOCATION_REFUSALS.indexOf(event.reason));
        break;
      case 'authenticationFailed':
        this.#add(PLACE.authenticationFailures + AUTHENTICATION_FAILURES.indexOf(event.reason));
        break;
      case 'peerDenied': {
        const at = this.#placeOf(event.allocation.client.endpoint.listener);
        this.#add(at + LISTENER_PLACE.denials + PEER_DENIALS.indexOf(event.verdict));
        break;
      }
      default:
        this.#countTransport(event);
    }
  }

  #countTransport(event: TransportEvent): void {
    const at = this.#placeOf(event.client.endpoint.listener);
    switch (event.kind) {
      case 'connectionOpened':
        this.#add(at + LISTENER_PLACE.connectionsOpened);
        this.#add(at + LISTENER_PLACE.connectionsOpen);
        break;
      case 'connectionClosed':
        this.#add(at + LISTENER_PLACE.connectionsOpen, -1);
        break;
      case 'connectionRefused':
        this.#add(PLACE.connectionsRefused + CONNECTION_REFUSALS.indexOf(event.reason));
        break;
      case 'handshakeFailed':
        this.#add(at + LISTENER_PLACE.handshakeFailures);
        break;
      case 'channelFailed':
        this.#add(PLACE.channelFailures);
        break;
    }
  }

  #observeEnd({ createdAtMs, traffic }: Allocation, now: MonotonicMs): void {
    this.#observe(PLACE.duration, DURATION_BUCKETS, (now - createdAtMs) / 1000);
    this.#observe(PLACE.bytes, BYTES_BUCKETS, traffic.receivedBytes + traffic.sentBytes);
  }

  #observe(at: number, buckets: readonly number[], value: number): void {
    const fitting = buckets.findIndex((bound) => value <= bound);
    this.#add(at + (fitting < 0 ? buckets.length : fitting));
    this.#add(at + buckets.length + 1, value);
    this.#add(at + buckets.length + 2);
  }

  #placeOf(listener: string): number {
    return listenerPlace(this.#slots.listeners.get(listener) ?? OTHER_SLOT);
  }

  #add(at: number, amount = 1): void {
    this.#values[at] = this.#values[at]! + amount;
  }

  /** Those of a worker that died are gone. */
  #forgetOpenConnections(): void {
    for (
      let at = listenerPlace(0);
      at < PLACE.clusters;
      at += listenerPlace(1) - listenerPlace(0)
    ) {
      this.#values[at + LISTENER_PLACE.connectionsOpen] = 0;
    }
  }
}
