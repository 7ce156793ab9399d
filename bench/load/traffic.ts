import { CHANNEL_DATA_HEADER_BYTES } from '../../src/turn/channel-data.ts';
import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { cpuUse, readProcessTimes } from '../measure/process-times.ts';
import type { TrafficOrder, TrafficResult } from './protocol.ts';
import { Sink } from './sink.ts';
import { Burst } from './burst.ts';
import { header } from './framing.ts';
import { DownSource, UpSource, type Source } from './source.ts';
import type { TurnClient } from './turn-clients.ts';

/** The sink looks for packets at least this often. */
const DRAIN_INTERVAL_MS = 0.2;
/** A run is over when nothing has arrived for so long after the last packet was sent. */
const SILENCE_MS = 100;

/** Who takes part in a run. */
export interface Participants {
  readonly clients: readonly TurnClient[];
  readonly server: TransportAddress;
  readonly peer: TransportAddress;
  readonly peerFd: number;
}

let runs = 0;

/**
 * Sends packets in an open loop, whatever becomes of them, and counts what arrives.
 *
 * Blocks the thread; it never sleeps, so that pacing does not depend on timers.
 */
export function runTraffic(participants: Participants, order: TrafficOrder): TrafficResult {
  const run = ++runs;
  const source = createSource(participants, order, run);
  const sink = createSink(participants, order, run);
  const before = readProcessTimes(order.serverPid);
  const startedMs = performance.now();
  const sent = sendPaced(source, sink, order);
  const lastMs = drainUntilSilent(sink);
  const cpu = cpuUse(before, readProcessTimes(order.serverPid));
  sink.close();
  const { received, reordered } = sink;
  return { sent, received, reordered, seconds: (lastMs - startedMs) / 1000, cpu };
}

function createSource(
  { clients, server, peer, peerFd }: Participants,
  { direction, framing, burst }: TrafficOrder,
  run: number,
): Source {
  return direction === 'up'
    ? new UpSource(clients, server, new Burst(burst, clients.length, run, header(framing, peer)))
    : new DownSource(clients, peerFd, new Burst(burst, clients.length, run, new Uint8Array()));
}

function createSink({ clients, peerFd }: Participants, order: TrafficOrder, run: number): Sink {
  return order.direction === 'up'
    ? new Sink([peerFd], clients.length, 0, run)
    : new Sink(
        clients.map(({ fd }) => fd),
        clients.length,
        CHANNEL_DATA_HEADER_BYTES,
        run,
      );
}

function sendPaced(source: Source, sink: Sink, order: TrafficOrder): number {
  const packetsPerMs = (order.packetsPerSecond ?? Infinity) / 1000;
  const startedMs = performance.now();
  const endMs = startedMs + order.seconds * 1000;
  let drainMs = startedMs;
  let sent = 0;
  for (let now = startedMs; now < endMs; now = performance.now()) {
    // An infinite rate times no time at all is not a number, and then nothing is due yet.
    if (sent + order.burst <= (now - startedMs) * packetsPerMs) sent += source.send();
    if (now < drainMs) continue;
    sink.drain();
    drainMs = performance.now() + DRAIN_INTERVAL_MS;
  }
  return sent;
}

/** Returns when the last packet was seen, on the clock of `performance`. */
function drainUntilSilent(sink: Sink): number {
  let lastMs = performance.now();
  for (let now = lastMs; now - lastMs < SILENCE_MS; now = performance.now()) {
    if (sink.drain() > 0) lastMs = now;
  }
  return lastMs;
}
