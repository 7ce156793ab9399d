import { cpuUse, readProcessTimes } from '../measure/process-times.ts';
import { createFlow, type Participants } from './create-flow.ts';
import { DurationHistogram } from './duration-histogram.ts';
import type { Flow } from './flow.ts';
import { LoadClock } from './load-clock.ts';
import type { TrafficOrder, TrafficResult } from './protocol.ts';

/** The sink looks what has arrived once in so long; the kernel notes the exact times. */
const DRAIN_MICROSECONDS = 200;
/** A run is over when nothing has arrived for so long after the last packet was sent. */
const SILENCE_MICROSECONDS = 300_000;

const clock = new LoadClock();
let runs = 0;

/**
 * Sends packets in an open loop, whatever becomes of them, and counts what arrives.
 *
 * Blocks the thread; it never sleeps, so that pacing does not depend on timers.
 */
export function runTraffic(participants: Participants, order: TrafficOrder): TrafficResult {
  const durations = { latency: new DurationHistogram(), lateness: new DurationHistogram() };
  const directions = order.direction === 'both' ? (['up', 'down'] as const) : [order.direction];
  const flows = directions.map((direction) =>
    createFlow(participants, order, direction, ++runs, durations),
  );
  const before = readProcessTimes(order.serverPid);
  clock.start();
  const course = sendAndDrain(flows, order);
  const lastMicroseconds = drainUntilSilent(flows);
  const cpu = cpuUse(before, readProcessTimes(order.serverPid));
  for (const { sink } of flows) sink.close();
  return {
    sent: flows.reduce((sum, { sent }) => sum + sent, 0),
    received: flows.reduce((sum, { tally }) => sum + tally.received, 0),
    reordered: flows.reduce((sum, { tally }) => sum + tally.reordered, 0),
    seconds: lastMicroseconds / 1_000_000,
    latency: durations.latency.percentiles(),
    lateness: durations.lateness.percentiles(),
    ...course,
    cpu,
  };
}

type Course = Pick<TrafficResult, 'generatorBusyShare' | 'longestPauseSeconds'>;

function sendAndDrain(flows: readonly Flow[], order: TrafficOrder): Course {
  const endMicroseconds = order.seconds * 1_000_000;
  let drainMicroseconds = 0;
  let idleMicroseconds = 0;
  let turn = 0;
  let longestTurn = 0;
  let isIdle = false;
  let previous = 0;
  for (;;) {
    clock.read();
    const now = clock.elapsedMicroseconds;
    const turnMicroseconds = now - previous;
    if (isIdle) idleMicroseconds += turnMicroseconds;
    if (turnMicroseconds > longestTurn) longestTurn = turnMicroseconds;
    if (now >= endMicroseconds) break;
    previous = now;
    isIdle = !flows[turn++ % flows.length]!.sendIfDue(clock);
    if (now < drainMicroseconds) continue;
    if (drain(flows) > 0) isIdle = false;
    clock.read();
    drainMicroseconds = clock.elapsedMicroseconds + DRAIN_MICROSECONDS;
  }
  return {
    generatorBusyShare: 1 - idleMicroseconds / clock.elapsedMicroseconds,
    longestPauseSeconds: longestTurn / 1_000_000,
  };
}

/** Returns when the last packet was seen, microseconds from the beginning. */
function drainUntilSilent(flows: readonly Flow[]): number {
  clock.read();
  let last = clock.elapsedMicroseconds;
  for (;;) {
    clock.read();
    const now = clock.elapsedMicroseconds;
    if (drain(flows) > 0) last = now;
    if (now - last >= SILENCE_MICROSECONDS) return last;
  }
}

function drain(flows: readonly Flow[]): number {
  let packets = 0;
  for (const { sink } of flows) packets += sink.drain();
  return packets;
}
