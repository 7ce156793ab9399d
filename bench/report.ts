import { cpus, loadavg, release, totalmem } from 'node:os';
import type { GarbageFigures } from './cases/garbage-case.ts';
import type { MemoryFigures } from './cases/memory-case.ts';
import { GENERATOR_LIMIT_PERCENT, type RelayFigures } from './cases/relay-figures.ts';
import { isPinning } from './measure/pinned-process.ts';
import type { MeasuredServer } from './servers/server.ts';
import { PAYLOAD_BYTES, RELAY_CLIENTS, TLS_CIPHER } from './settings.ts';

/** Everything that a run of the bench found out; written as JSON. */
export interface Report {
  readonly startedAt: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  /** Servers that were left out, with the reason. */
  readonly skipped: Readonly<Record<string, string>>;
  readonly payloadBytes: number;
  /** UDP clients. */
  readonly clients: number;
  readonly tlsCipher: string;
  /** Of UDP clients. */
  readonly relay: readonly RelayFigures[];
  /** Of TCP and TLS clients. */
  readonly streams: readonly RelayFigures[];
  readonly memory: readonly MemoryFigures[];
  readonly garbage: readonly GarbageFigures[];
  /** Processes that were runnable on average over the last minute, when the run began and when it ended. */
  readonly loadAverages: readonly number[];
}

interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGigabytes: number;
  readonly kernel: string;
  readonly isPinning: boolean;
}

/** An empty report with all that is known before anything is measured. */
export function describeRun(
  servers: readonly MeasuredServer[],
  skipped: Readonly<Record<string, string>>,
): Omit<Report, 'relay' | 'streams' | 'memory' | 'garbage'> {
  return {
    startedAt: new Date().toISOString(),
    machine: {
      processor: cpus()[0]?.model ?? 'unknown',
      processors: cpus().length,
      memoryGigabytes: Math.round(totalmem() / 2 ** 30),
      kernel: release().split('-')[0]!,
      isPinning,
    },
    versions: {
      node: process.version,
      ...Object.fromEntries(servers.map((server) => [server.name, server.version()])),
    },
    skipped,
    payloadBytes: PAYLOAD_BYTES,
    clients: RELAY_CLIENTS,
    tlsCipher: TLS_CIPHER,
    loadAverages: [loadavg()[0]!],
  };
}

/** The figures as tables for people. */
export function formatReport({ relay, streams, memory, garbage, skipped }: Report): string {
  return [
    relay.length === 0 ? '' : `Relay\n${formatTable(relay)}`,
    streams.length === 0 ? '' : `Relay for TCP and TLS clients\n${formatTable(streams)}`,
    generatorLimits([...relay, ...streams]),
    memory.length === 0 ? '' : `Memory and allocations\n${formatTable(memory)}`,
    garbage.length === 0 ? '' : `Garbage of the packet path\n${formatTable(garbage)}`,
    ...Object.entries(skipped).map(([name, reason]) => `skipped ${name}: ${reason}\n`),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function generatorLimits(figures: readonly RelayFigures[]): string {
  return figures
    .filter(({ generatorPercent }) => generatorPercent >= GENERATOR_LIMIT_PERCENT)
    .map((figure) => `the generator was the limit: ${figure.case}, ${figure.server}\n`)
    .join('');
}

function formatTable(rows: readonly object[]): string {
  const names = Object.keys(rows[0] ?? {});
  const cells = [
    names,
    ...rows.map((row) => Object.values(row).map((value) => String(value ?? '-'))),
  ];
  const widths = names.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join('  ') + '\n')
    .join('');
}
