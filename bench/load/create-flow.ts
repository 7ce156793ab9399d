import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { Burst } from './burst.ts';
import type { DurationHistogram } from './duration-histogram.ts';
import { findPayload, header } from './framing.ts';
import { Flow } from './flow.ts';
import { PacketNumbers, PacketTally } from './numbered-packets.ts';
import { SaturatedPace, ScheduledPace, type Pace } from './pace.ts';
import type { TrafficOrder } from './protocol.ts';
import { Schedule } from './schedule.ts';
import { Sink } from './sink.ts';
import { DatagramSource, PeerSource, StreamSource, type Source } from './source.ts';
import type { GeneratorMemory } from './transport/memory.ts';
import type { MessageHandler, Receiver } from './transport/transport.ts';
import type { TurnClient, TurnClients } from './turn-clients.ts';

/** Who takes part in a run. */
export interface Participants {
  readonly memory: GeneratorMemory;
  readonly clients: TurnClients;
  readonly peer: TransportAddress;
  readonly peerReceiver: Receiver;
}

/** What all directions of a run count together. */
export interface Durations {
  readonly latency: DurationHistogram;
  readonly lateness: DurationHistogram;
}

/** Prepares one direction of a run; `run` is a number of its own. */
export function createFlow(
  participants: Participants,
  order: TrafficOrder,
  direction: 'up' | 'down',
  run: number,
  durations: Durations,
): Flow {
  const active = participants.clients.all.slice(0, order.clients);
  const numbers = new PacketNumbers(run, active.length);
  const tally = new PacketTally(run, active.length, durations.latency);
  const source =
    direction === 'up'
      ? createClientSource(participants, active, order, numbers)
      : createPeerSource(participants, active, order, numbers);
  const sink =
    direction === 'up'
      ? new Sink([participants.peerReceiver], tally, barePayload(tally))
      : new Sink(
          active.map(({ transport }) => transport),
          tally,
          order.isDirect ? barePayload(tally) : framedPayload(tally, order),
        );
  return new Flow(source, createPace(order, direction, durations), sink, tally);
}

function createClientSource(
  { memory, clients, peer }: Participants,
  active: readonly TurnClient[],
  { framing, payloadBytes, burst, isDirect }: TrafficOrder,
  numbers: PacketNumbers,
): Source {
  const transports = active.map(({ transport }) => transport);
  const inFront = isDirect ? new Uint8Array() : header(framing, peer, payloadBytes);
  if (clients.transport !== 'udp') {
    return new StreamSource(transports, numbers, memory, inFront, payloadBytes);
  }
  const datagrams = new Burst(burst, numbers, inFront, payloadBytes);
  return new DatagramSource(transports, isDirect ? peer : clients.server, datagrams);
}

function createPeerSource(
  { peerReceiver }: Participants,
  active: readonly TurnClient[],
  { payloadBytes, burst, isDirect }: TrafficOrder,
  numbers: PacketNumbers,
): Source {
  const destinations = active.map(({ local, relayed }) => (isDirect ? local : relayed));
  const datagrams = new Burst(burst, numbers, new Uint8Array(), payloadBytes);
  return new PeerSource(destinations, peerReceiver.fd, datagrams);
}

function barePayload(tally: PacketTally): MessageHandler {
  return (bytes, offset, length, stamp) => tally.count(bytes, offset, length, stamp);
}

function framedPayload(tally: PacketTally, { expected }: TrafficOrder): MessageHandler {
  return (bytes, offset, length, stamp) => {
    const at = findPayload(expected, bytes, offset, length);
    if (at >= 0) tally.count(bytes, offset + at, length - at, stamp);
  };
}

function createPace(
  { direction: all, packetsPerSecond, clients, burst, seed }: TrafficOrder,
  direction: 'up' | 'down',
  { lateness }: Durations,
): Pace {
  if (packetsPerSecond === null) return new SaturatedPace(clients);
  const share = all === 'both' ? 0.5 : 1;
  const burstsPerSecond = (packetsPerSecond * share) / burst;
  const intervalMicroseconds = (clients * 1_000_000) / burstsPerSecond;
  // What goes up and what comes down must not leave at the same times.
  const ownSeed = direction === 'up' ? seed : ~seed;
  return new ScheduledPace(new Schedule(clients, intervalMicroseconds, ownSeed), lateness);
}
