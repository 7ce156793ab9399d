import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { runGarbageCase } from './cases/garbage-case.ts';
import { memoryFigures, runMemoryRound, type MemoryFigures } from './cases/memory-case.ts';
import { DATAGRAM_CASES, STREAM_CASES, type RelayCase } from './cases/relay-cases.ts';
import { relayFigures, type RelayFigures } from './cases/relay-figures.ts';
import { runRelayRound } from './cases/relay-round.ts';
import { GeneratorProcess } from './measure/generator-process.ts';
import { describeRun, formatReport, type Report } from './report.ts';
import { ROOT } from './root.ts';
import { coturn } from './servers/coturn.ts';
import { nodeTurn } from './servers/node-turn.ts';
import type { MeasuredServer } from './servers/server.ts';
import { turnpike } from './servers/turnpike.ts';

const ROUNDS = 3;
const ALL_SERVERS: readonly MeasuredServer[] = [turnpike, coturn, nodeTurn];
const PARTS = ['relay', 'streams', 'memory', 'garbage'] as const;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: String(ROUNDS) },
    servers: { type: 'string', default: ALL_SERVERS.map(({ name }) => name).join(',') },
    cases: { type: 'string', default: '' },
    parts: { type: 'string', default: PARTS.join(',') },
    output: { type: 'string', default: join(ROOT, 'bench/results/latest.json') },
  },
});

const rounds = options.quick ? 1 : Number(options.rounds);
const wanted = ALL_SERVERS.filter(({ name }) => options.servers.split(',').includes(name));
const servers = wanted.filter((server) => server.absence() === undefined);
const skipped = Object.fromEntries(
  wanted.flatMap((server) => {
    const reason = server.absence();
    return reason === undefined ? [] : [[server.name, reason]];
  }),
);
const isPart = (part: (typeof PARTS)[number]): boolean => options.parts.split(',').includes(part);

const generator = new GeneratorProcess();
try {
  const description = describeRun(servers, skipped);
  const report: Report = {
    ...description,
    relay: isPart('relay') ? await measureRelay(DATAGRAM_CASES) : [],
    streams: isPart('streams') ? await measureRelay(STREAM_CASES) : [],
    memory: isPart('memory') ? await measureMemory() : [],
    garbage: isPart('garbage') && servers.includes(turnpike) ? await runGarbageCase(generator) : [],
    loadAverages: [...description.loadAverages, loadavg()[0]!],
  };
  mkdirSync(dirname(options.output), { recursive: true });
  writeFileSync(options.output, `${JSON.stringify(report, undefined, 2)}\n`);
  process.stdout.write(formatReport(report));
} finally {
  await generator.stop();
}

async function measureRelay(all: readonly RelayCase[]): Promise<RelayFigures[]> {
  const cases = all.filter(({ name }) => name.includes(options.cases));
  if (cases.length === 0) return [];
  const able = servers.filter((server) =>
    cases.every(({ transport }) => server.transports.includes(transport)),
  );
  const byServer = await alternate(able, (server) => runRelayRound(server, cases, generator));
  return cases.flatMap((relayCase) =>
    able.map((server) =>
      relayFigures(relayCase, server, byServer.get(server)!, byServer.get(coturn)),
    ),
  );
}

async function measureMemory(): Promise<MemoryFigures[]> {
  const byServer = await alternate(servers, (server) => runMemoryRound(server, generator));
  return servers.map((server) => memoryFigures(server, byServer.get(server)!));
}

/** Lets all servers have their turn in every round, so that whatever else the machine does meets all of them. */
async function alternate<T>(
  able: readonly MeasuredServer[],
  measure: (server: MeasuredServer) => Promise<T>,
): Promise<ReadonlyMap<MeasuredServer, readonly T[]>> {
  const results = new Map<MeasuredServer, T[]>(able.map((server) => [server, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const server of able) {
      process.stderr.write(`round ${round} of ${rounds}: ${server.name}\n`);
      results.get(server)!.push(await measure(server));
    }
  }
  return results;
}
