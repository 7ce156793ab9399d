import { METHOD } from '../stun/registry.ts';
import {
  ALLOCATION_ENDS,
  ALLOCATION_REFUSALS,
  AUTHENTICATION_FAILURES,
  DROP_REASONS,
} from '../turn/commands.ts';
import { PEER_DENIALS } from '../turn/policy.ts';
import { TRAFFIC_VALUES } from '../turn/traffic.ts';
import { CONNECTION_REFUSALS } from '../net/shared/transport-event.ts';
import { METRIC_NAMES_MAX } from '../limits.ts';

/** Methods whose errors are counted, by the name of the metric's label. */
export const ERROR_METHODS = {
  binding: METHOD.BINDING,
  allocate: METHOD.ALLOCATE,
  refresh: METHOD.REFRESH,
  createPermission: METHOD.CREATE_PERMISSION,
  channelBind: METHOD.CHANNEL_BIND,
} as const;

/** Every error code that a server answers with. */
export const ERROR_CODES_COUNTED = [
  300, 400, 401, 403, 405, 420, 437, 438, 440, 441, 442, 443, 486, 500, 508,
] as const;

/** Upper bounds of the buckets for how long allocations lived, seconds. */
export const DURATION_BUCKETS = [1, 10, 60, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400];
/** Upper bounds of the buckets for what allocations relayed both ways, bytes. */
export const BYTES_BUCKETS = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11];

/** Values of a histogram: one for each bucket, one for what exceeds them all, the sum and the count. */
const histogramValues = (buckets: readonly number[]): number => buckets.length + 3;

const LISTENER_VALUES = TRAFFIC_VALUES + PEER_DENIALS.length + 3;

let end = 0;
const place = (values: number): number => (end += values) - values;

/** Where the values of one worker lie, counted in numbers from the start of its region. */
export const PLACE = {
  drops: place(DROP_REASONS.length),
  authenticationFailures: place(AUTHENTICATION_FAILURES.length),
  errors: place(Object.keys(ERROR_METHODS).length * ERROR_CODES_COUNTED.length),
  allocationsCreated: place(1),
  allocationsDegraded: place(1),
  allocationsRefused: place(ALLOCATION_REFUSALS.length),
  allocationsEnded: place(ALLOCATION_ENDS.length),
  connectionsRefused: place(CONNECTION_REFUSALS.length),
  channelFailures: place(1),
  duration: place(histogramValues(DURATION_BUCKETS)),
  bytes: place(histogramValues(BYTES_BUCKETS)),
  listeners: place(METRIC_NAMES_MAX * LISTENER_VALUES),
  clusters: place(METRIC_NAMES_MAX * TRAFFIC_VALUES),
} as const;

/** Numbers in the region of one worker. */
export const REGION_VALUES = end;

/** Where the values of a listener lie behind `listenerPlace`. */
export const LISTENER_PLACE = {
  traffic: 0,
  denials: TRAFFIC_VALUES,
  connectionsOpened: TRAFFIC_VALUES + PEER_DENIALS.length,
  connectionsOpen: TRAFFIC_VALUES + PEER_DENIALS.length + 1,
  handshakeFailures: TRAFFIC_VALUES + PEER_DENIALS.length + 2,
} as const;

/** Start of the values of the listener with a slot of `NameSlots`. */
export function listenerPlace(slot: number): number {
  return PLACE.listeners + slot * LISTENER_VALUES;
}

/** Start of the values of the cluster with a slot of `NameSlots`. */
export function clusterPlace(slot: number): number {
  return PLACE.clusters + slot * TRAFFIC_VALUES;
}

/** Memory for the counts of `workers` threads; pass it to each of them. */
export function createStatisticsMemory(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(workers * REGION_VALUES * Float64Array.BYTES_PER_ELEMENT);
}
