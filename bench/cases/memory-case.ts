import type { GeneratorProcess } from '../measure/generator-process.ts';
import { cpuUse, readProcessTimes, residentBytes } from '../measure/process-times.ts';
import { RunningServer } from '../measure/running-server.ts';
import { median, rounded } from '../measure/statistics.ts';
import type { MeasuredServer } from '../servers/server.ts';
import { MEMORY_CLIENTS } from '../settings.ts';

/** What many allocations cost a server. */
export interface MemoryRound {
  readonly idleBytes: number;
  /** With an allocation for each client. */
  readonly allocatedBytes: number;
  /** With a bound channel in each allocation as well. */
  readonly boundBytes: number;
  readonly allocateSeconds: number;
  readonly allocateCpuMicroseconds: number;
  readonly retransmissions: number;
}

/** Figures of one server, medians over the rounds. */
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
  readonly cpuMicrosecondsPerAllocation: number;
  readonly retransmissions: number;
}

/** Starts a server and makes allocations with a channel each. */
export async function runMemoryRound(
  server: MeasuredServer,
  generator: GeneratorProcess,
): Promise<MemoryRound> {
  const running = await RunningServer.start(server);
  try {
    const { pid } = running;
    const idleBytes = residentBytes(pid);
    const before = readProcessTimes(pid);
    const step = await generator.allocate(MEMORY_CLIENTS);
    const cpu = cpuUse(before, readProcessTimes(pid));
    const allocatedBytes = residentBytes(pid);
    await generator.bindChannels();
    return {
      idleBytes,
      allocatedBytes,
      boundBytes: residentBytes(pid),
      allocateSeconds: step.seconds,
      allocateCpuMicroseconds: cpu.microseconds,
      retransmissions: step.retransmissions,
    };
  } finally {
    await running.stop();
  }
}

/** Takes the medians of the rounds of a server. */
export function memoryFigures(
  server: MeasuredServer,
  rounds: readonly MemoryRound[],
): MemoryFigures {
  const of = (figure: (round: MemoryRound) => number, digits = 0): number =>
    rounded(median(rounds.map(figure)), digits);
  return {
    server: server.name,
    rounds: rounds.length,
    allocations: MEMORY_CLIENTS,
    idleMegabytes: of((round) => round.idleBytes / 1e6, 1),
    grownMegabytes: of((round) => (round.boundBytes - round.idleBytes) / 1e6, 1),
    bytesPerAllocation: of((round) => (round.allocatedBytes - round.idleBytes) / MEMORY_CLIENTS),
    bytesPerAllocationWithChannel: of(
      (round) => (round.boundBytes - round.idleBytes) / MEMORY_CLIENTS,
    ),
    allocationsPerSecond: of((round) => MEMORY_CLIENTS / round.allocateSeconds),
    cpuMicrosecondsPerAllocation: of((round) => round.allocateCpuMicroseconds / MEMORY_CLIENTS, 1),
    retransmissions: of((round) => round.retransmissions),
  };
}
