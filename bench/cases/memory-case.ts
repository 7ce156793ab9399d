import { cpuUse, readProcessTimes, residentBytes } from '../measure/process-times.ts';
import { PLAIN, RunningServer, type Surroundings } from '../measure/running-server.ts';
import { rounded } from '../measure/statistics.ts';
import type { MemoryFigures } from '../report-data.ts';
import type { MeasuredServer } from '../servers/server.ts';
import { ABOUT } from './durations.ts';
import { roundedRatios } from './relay-figures.ts';
import type { RoundResults } from './round-results.ts';

/** How many allocations memory is measured with. */
export const MEMORY_ALLOCATIONS: readonly number[] = [100, 1000, 10_000];

/** Of the allocations, before their rate is measured: server and generator have to be compiled. */
const WARM_UP_SHARE = 0.2;

/** What many allocations cost a server. */
export interface MemoryRound {
  readonly allocations: number;
  readonly idleBytes: number;
  /** With an allocation for each client. */
  readonly allocatedBytes: number;
  /** With a bound channel in each allocation as well. */
  readonly boundBytes: number;
  readonly allocationsPerSecond: number;
  readonly cpuMicrosecondsPerAllocation: number;
  readonly retransmissions: number;
  readonly generatorBusyShare: number;
}

/** About how long it takes, seconds. */
export function memorySeconds(allocations: number): number {
  return ABOUT.start + (2 * allocations) / ABOUT.allocationsPerSecond;
}

/** Starts a server and makes allocations with a channel each. */
export async function runMemoryRound(
  server: MeasuredServer,
  allocations: number,
  surroundings: Surroundings,
): Promise<MemoryRound> {
  const { generator } = surroundings;
  const running = await RunningServer.start(server, PLAIN, surroundings);
  try {
    const { pid } = running;
    await generator.open(allocations, 'udp');
    const idleBytes = residentBytes(pid);
    const warmUp = Math.floor(allocations * WARM_UP_SHARE);
    await generator.allocate({ to: warmUp });
    const before = readProcessTimes(pid);
    const step = await generator.allocate({ from: warmUp });
    const cpu = cpuUse(before, readProcessTimes(pid));
    const allocatedBytes = residentBytes(pid);
    await generator.bindChannels();
    return {
      allocations,
      idleBytes,
      allocatedBytes,
      boundBytes: residentBytes(pid),
      allocationsPerSecond: (allocations - warmUp) / step.seconds,
      cpuMicrosecondsPerAllocation: cpu.microseconds / (allocations - warmUp),
      retransmissions: step.retransmissions,
      generatorBusyShare: step.generatorBusyShare,
    };
  } finally {
    await running.stop();
  }
}

/** Takes the medians of the rounds of a server that has results. */
export function memoryFigures(
  allocations: number,
  server: string,
  results: RoundResults<MemoryRound>,
): MemoryFigures {
  const of = (figure: (round: MemoryRound) => number, digits = 0): number =>
    rounded(results.median(server, figure), digits);
  return {
    server,
    rounds: results.rounds(server),
    allocations,
    idleMegabytes: of((round) => round.idleBytes / 1e6, 1),
    grownMegabytes: of((round) => grownBytes(round) / 1e6, 1),
    bytesPerAllocation: of((round) => (round.allocatedBytes - round.idleBytes) / allocations),
    bytesPerAllocationWithChannel: of((round) => grownBytes(round) / allocations),
    memoryRatios: roundedRatios(results.ratios(server, grownBytes)),
    allocationsPerSecond: of((round) => round.allocationsPerSecond),
    allocationRateRatios: roundedRatios(
      results.ratios(server, (round) => round.allocationsPerSecond),
    ),
    cpuMicrosecondsPerAllocation: of((round) => round.cpuMicrosecondsPerAllocation, 1),
    retransmissions: of((round) => round.retransmissions),
    generatorPercent: of(({ generatorBusyShare }) => generatorBusyShare * 100),
  };
}

function grownBytes({ boundBytes, idleBytes }: MemoryRound): number {
  return boundBytes - idleBytes;
}
