import { CHANNEL_DATA_HEADER_BYTES } from '../../src/turn/channel-data.ts';
import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { cpuUse, readProcessTimes } from '../measure/process-times.ts';
import { Burst } from './burst.ts';
import { header } from './framing.ts';
import { PacketNumbers, PacketTally } from './numbered-packets.ts';
import type { TrafficOrder, TrafficResult } from './protocol.ts';
import { Sink } from './sink.ts';
import { DatagramSource, PeerSource, StreamSource, type Source } from './source.ts';
import type { GeneratorMemory } from './transport/memory.ts';
import type { Receiver } from './transport/transport.ts';
import type { TurnClients } from './turn-clients.ts';

/** The sink looks for packets at least this often. */
const DRAIN_INTERVAL_MS = 0.2;
/** A run is over when nothing has arrived for so long after the last packet was sent. */
const SILENCE_MS = 300;

/** Who takes part in a run. */
export interface Participants {
  readonly memory: GeneratorMemory;
  readonly clients: TurnClients;
  readonly peer: TransportAddress;
  readonly peerReceiver: Receiver;
}

let runs = 0;

/**
 * Sends packets in an open loop, whatever becomes of them, and counts what arrives.
 *
 * Blocks the thread; it never sleeps, so that pacing does not depend on timers.
 */
export function runTraffic(participants: Participants, order: TrafficOrder): TrafficResult {
  const run = ++runs;
  const { length } = participants.clients.all;
  const source = createSource(participants, order, new PacketNumbers(run, length));
  const tally = new PacketTally(run, length);
  const sink = createSink(participants, order, tally);
  const before = readProcessTimes(order.serverPid);
  const startedMs = performance.now();
  const { sent, busyShare } = sendPaced(source, sink, order);
  const lastMs = drainUntilSilent(sink);
  const cpu = cpuUse(before, readProcessTimes(order.serverPid));
  sink.close();
  const { received, reordered } = tally;
  const seconds = (lastMs - startedMs) / 1000;
  return { sent, received, reordered, seconds, generatorBusyShare: busyShare, cpu };
}

function createSource(
  { memory, clients, peer, peerReceiver }: Participants,
  { direction, framing, burst }: TrafficOrder,
  numbers: PacketNumbers,
): Source {
  if (direction === 'down') {
    const datagrams = new Burst(burst, numbers, new Uint8Array());
    return new PeerSource(clients.all, peerReceiver.fd, datagrams);
  }
  const inFront = header(framing, peer);
  return clients.transport === 'udp'
    ? new DatagramSource(clients.all, clients.server, new Burst(burst, numbers, inFront))
    : new StreamSource(clients.all, numbers, memory, inFront);
}

function createSink(
  { clients, peerReceiver }: Participants,
  { direction }: TrafficOrder,
  tally: PacketTally,
): Sink {
  return direction === 'up'
    ? new Sink([peerReceiver], 0, tally)
    : new Sink(
        clients.all.map(({ transport }) => transport),
        CHANNEL_DATA_HEADER_BYTES,
        tally,
      );
}

function sendPaced(
  source: Source,
  sink: Sink,
  order: TrafficOrder,
): { sent: number; busyShare: number } {
  const packetsPerMs = (order.packetsPerSecond ?? Infinity) / 1000;
  const startedMs = performance.now();
  const endMs = startedMs + order.seconds * 1000;
  let drainMs = startedMs;
  let sent = 0;
  let idleMs = 0;
  let idleSinceMs: number | undefined;
  for (let now = startedMs; now < endMs; now = performance.now()) {
    if (idleSinceMs !== undefined) idleMs += now - idleSinceMs;
    let packets = 0;
    // An infinite rate times no time at all is not a number, and then nothing is due yet.
    if (sent + order.burst <= (now - startedMs) * packetsPerMs) {
      packets = source.send();
      sent += packets;
    }
    if (now >= drainMs) {
      packets += sink.drain();
      drainMs = performance.now() + DRAIN_INTERVAL_MS;
    }
    idleSinceMs = packets === 0 ? now : undefined;
  }
  return { sent, busyShare: 1 - idleMs / (order.seconds * 1000) };
}

/** Returns when the last packet was seen, on the clock of `performance`. */
function drainUntilSilent(sink: Sink): number {
  let lastMs = performance.now();
  for (let now = lastMs; now - lastMs < SILENCE_MS; now = performance.now()) {
    if (sink.drain() > 0) lastMs = now;
  }
  return lastMs;
}
