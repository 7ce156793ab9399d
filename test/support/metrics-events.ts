import type { WorkerStatistics } from '../../src/metrics/worker-statistics.ts';
import type { TransportEvent } from '../../src/net/shared/transport-event.ts';
import type { AllocationEnd, TurnEvent } from '../../src/turn/commands.ts';
import type { MonotonicMs } from '../../src/turn/policy.ts';
import { TrafficCounter } from '../../src/turn/traffic.ts';

/** Counts an event of the core of which only `parts` matter. */
export function countEvent(
  statistics: WorkerStatistics,
  kind: TurnEvent['kind'],
  parts: Readonly<Record<string, unknown>>,
  nowMs = 0,
): void {
  statistics.count({ kind, ...parts } as unknown as TurnEvent, nowMs as MonotonicMs);
}

/** Counts the end of an allocation. */
export function endedAllocation(
  statistics: WorkerStatistics,
  end: {
    readonly reason?: AllocationEnd;
    readonly createdAtMs?: number;
    readonly traffic?: TrafficCounter;
    readonly nowMs?: number;
  },
): void {
  const { reason = 'expired', createdAtMs = 0, traffic = new TrafficCounter(), nowMs = 0 } = end;
  countEvent(
    statistics,
    'allocationDeleted',
    { reason, allocation: { createdAtMs, traffic } },
    nowMs,
  );
}

type WithoutClient<Event> = Event extends unknown ? Omit<Event, 'client'> : never;

/** Counts an event of a connection to a listener. */
export function transportEvent(
  statistics: WorkerStatistics,
  listener: string,
  event: WithoutClient<TransportEvent>,
): void {
  const client = { endpoint: { listener } };
  statistics.count({ ...event, client } as unknown as TransportEvent, 0 as MonotonicMs);
}
