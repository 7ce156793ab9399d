import type { Direction, Framing, Percentiles, Transport } from './load/protocol.ts';

/** What runs between generator and server. */
export type Network = 'loopback' | 'veth';

/** Everything that a run of the bench found out; written as JSON. */
export interface Report {
  readonly startedAt: string;
  /** The command line that made it. */
  readonly command: string;
  readonly rounds: number;
  readonly network: Network;
  /** What the times at which paced clients send follow from. */
  readonly seed: number;
  readonly machine: Machine;
  /** By server name, and that of Node.js as `node`. */
  readonly versions: Readonly<Record<string, string>>;
  /** Servers that were left out, with the reason. */
  readonly skipped: Readonly<Record<string, string>>;
  /** What went wrong in a round; figures are then of the other rounds, or missing. */
  readonly failures: readonly Failure[];
  readonly tlsCipher: string;
  readonly relay: readonly RelayFigures[];
  /** What the generator and the kernel add to latencies themselves. */
  readonly direct: readonly DirectFigures[];
  readonly highestRates: readonly HighestRateFigures[];
  readonly memory: readonly MemoryFigures[];
  readonly garbage: readonly GarbageFigures[];
  /** Processes that were runnable on average over the last minute, when the run began and when it ended. */
  readonly loadAverages: readonly number[];
}

/** Where a report was made. */
export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGigabytes: number;
  readonly kernel: string;
  readonly isPinning: boolean;
}

/** A load that every server is put under. */
export interface RelayCase {
  /** Unique within a report, such as `udp up 200 B 60 k/s`. */
  readonly name: string;
  /** Which group of cases it belongs to, such as `paced`. */
  readonly group: string;
  readonly transport: Transport;
  /** Clients that send or receive. */
  readonly clients: number;
  /** Allocations that exist meanwhile, those of the clients among them. */
  readonly allocations: number;
  readonly direction: Direction;
  readonly framing: Framing;
  readonly payloadBytes: number;
  /** Packets that leave one client (or for one client) back to back. */
  readonly burst: number;
  /** Over all clients and directions; null sends as fast as it goes. */
  readonly packetsPerSecond: number | null;
  /** Endpoints in the route table of a server that has one; the peer is the last of them. */
  readonly routes: number;
  /** Relay threads of the server. */
  readonly workers: number;
}

/** Figures of one case and server, medians over the rounds. */
export interface RelayFigures {
  readonly case: RelayCase;
  readonly server: string;
  readonly rounds: number;
  readonly receivedPerSecond: number;
  readonly lossPercent: number;
  /** CPU of all threads of the server per packet received, microseconds. */
  readonly cpuMicrosecondsPerPacket: number;
  /** The same as a multiple of another server's in the same round, the median of the rounds; by that server's name. */
  readonly cpuRatios: Readonly<Record<string, number>>;
  /** Share of the busiest thread's CPU time in user space, percent. */
  readonly userPercent: number;
  /** CPU of the busiest thread in user space per packet received, microseconds. */
  readonly userMicrosecondsPerPacket: number;
  readonly reordered: number;
  /** From the sender's system call to the arrival at the sink, microseconds; null where it was not measured. */
  readonly latency: Percentiles | null;
  /** The same percentiles less those of the direct way. */
  readonly addedLatency: Percentiles | null;
  /** Added latencies as multiples of another server's in the same round, medians of the rounds; by its name. */
  readonly addedLatencyRatios: Readonly<Record<string, Percentiles>>;
  /** Share of the time in which the server's busiest thread ran, percent. */
  readonly serverPercent: number;
  /** Share of the time in which the generator had something to do, percent. */
  readonly generatorPercent: number;
  /** True when the generator was busy all the time and the server was not, nor lost much: it may do more. */
  readonly isGeneratorLimit: boolean;
  /** How much later than scheduled packets were sent, microseconds; the generator's fault and in no latency. */
  readonly generatorLateness: Percentiles | null;
}

/** Latency of a load that clients and peer exchange without a server, microseconds. */
export interface DirectFigures {
  /** One of the cases with this load. */
  readonly case: RelayCase;
  readonly latency: Percentiles;
}

/** Something that a server, or the bench with it, was not able to do. */
export interface Failure {
  readonly server: string;
  /** Name of the case, or what else was measured. */
  readonly case: string;
  readonly round: number;
  readonly reason: string;
}

/** The highest rate at which a server lost at most `lossPercentMax`. */
export interface HighestRateFigures {
  readonly case: RelayCase;
  readonly server: string;
  readonly rounds: number;
  readonly lossPercentMax: number;
  readonly packetsPerSecond: number;
  /** As a multiple of another server's rate in the same round, the median of the rounds; by that server's name. */
  readonly rateRatios: Readonly<Record<string, number>>;
  /** True when the generator could not send more, so that the server may be capable of more. */
  readonly isGeneratorLimit: boolean;
}

/** What allocations cost a server, medians over the rounds. */
export interface MemoryFigures {
  readonly server: string;
  readonly rounds: number;
  readonly allocations: number;
  readonly idleMegabytes: number;
  /** Resident memory above idle with all allocations and their channels. */
  readonly grownMegabytes: number;
  readonly bytesPerAllocation: number;
  readonly bytesPerAllocationWithChannel: number;
  /** With the full challenge, and so two requests each. */
  readonly allocationsPerSecond: number;
  /** As a multiple of another server's in the same round, the median of the rounds; by that server's name. */
  readonly allocationRateRatios: Readonly<Record<string, number>>;
  readonly memoryRatios: Readonly<Record<string, number>>;
  readonly cpuMicrosecondsPerAllocation: number;
  readonly retransmissions: number;
  /** Share of the time of allocating in which the generator had something to do, percent. */
  readonly generatorPercent: number;
}

/** Garbage collections of the relay worker while packets were relayed in one direction. */
export interface GarbageFigures {
  readonly direction: Direction;
  readonly packets: number;
  readonly collections: number;
  /** The most that can have been allocated, from the size of the young generation and the collections. */
  readonly bytesPerPacketMax: number;
}
