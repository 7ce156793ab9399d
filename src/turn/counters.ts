import type { DropReason } from './commands.ts';
import type { TrafficCounter } from './traffic.ts';

/** Where a server counts what is never announced as an event. */
export interface TurnCounters {
  /** Counts an input that was dropped in silence. */
  countDrop(reason: DropReason): void;
  /** Counts an error response. */
  countError(method: number, code: number): void;
  /** Traffic between a listener and its clients. */
  ofListener(name: string): TrafficCounter;
  /** Traffic between relayed transport addresses and the peers of a cluster. */
  ofCluster(name: string): TrafficCounter;
}
