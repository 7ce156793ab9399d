import { HIGHEST_CASES, RELAY_CASES } from '../../bench/cases/relay-cases.ts';
import type {
  HighestRateFigures,
  MemoryFigures,
  RelayCase,
  RelayFigures,
  Report,
} from '../../bench/report-data.ts';

/** What a made-up server costs as a multiple of the others, so that every ratio is known. */
export interface MadeUpServer {
  readonly name: string;
  readonly version: string;
  readonly cpu: number;
  readonly latency: number;
  readonly rate: number;
  readonly memory: number;
}

/** Servers of which ours needs the factor 0.5 of everything that coturn needs, at twice the rates. */
export const MADE_UP_SERVERS: readonly MadeUpServer[] = [
  { name: 'turnpike', version: '0.1.0', cpu: 1, latency: 1, rate: 2, memory: 1 },
  { name: 'c', version: 'cc 12.2.0', cpu: 0.95, latency: 0.8, rate: 2.2, memory: 0 },
  { name: 'c-segment', version: 'cc 12.2.0', cpu: 0.9, latency: 0.8, rate: 2.4, memory: 0 },
  { name: 'coturn', version: '4.6.1', cpu: 2, latency: 2, rate: 1, memory: 4 },
  { name: 'coturn-4.17.1', version: '4.17.1', cpu: 1.6, latency: 1.25, rate: 1.25, memory: 2.5 },
  { name: 'node-turn', version: '0.0.6', cpu: 2.5, latency: 5, rate: 0.5, memory: 1 },
];

const ALLOCATIONS = [100, 1000, 10_000];
const SATURATED_PACKETS_PER_SECOND = 75_000;

/** A report with figures of every case for servers that are made up. */
export function madeUpReport(servers: readonly MadeUpServer[] = MADE_UP_SERVERS): Report {
  const relaying = (relayCase: RelayCase): MadeUpServer[] =>
    servers.filter((server) => isAble(server, relayCase));
  return {
    startedAt: '2026-11-22T10:20:30.400Z',
    command: 'npm run bench -- --groups all',
    rounds: 5,
    network: 'loopback',
    seed: 1,
    machine: {
      processor: 'Imagined CPU',
      processors: 2,
      memoryGigabytes: 8,
      kernel: '6.1.0',
      isPinning: true,
    },
    versions: {
      node: 'v20.20.2',
      ...Object.fromEntries(servers.map(({ name, version }) => [name, version])),
    },
    skipped: {},
    failures: [],
    tlsCipher: 'ECDHE-ECDSA-AES128-GCM-SHA256',
    relay: RELAY_CASES.flatMap((relayCase) =>
      relaying(relayCase).map((server) => relayFigures(relayCase, server, relaying(relayCase))),
    ),
    direct: [{ case: RELAY_CASES[0]!, latency: { p50: 15, p99: 40, p999: 90 } }],
    highestRates: HIGHEST_CASES.flatMap((relayCase) =>
      relaying(relayCase).map((server) => rateFigures(relayCase, server, relaying(relayCase))),
    ),
    memory: ALLOCATIONS.flatMap((allocations) => {
      const able = servers.filter(({ memory }) => memory > 0);
      return able.map((server) => memoryFigures(allocations, server, able));
    }),
    garbage: (['up', 'down'] as const).map((direction) => ({
      direction,
      packets: 10_000_000,
      collections: 0,
      bytesPerPacketMax: 0.1,
    })),
    loadAverages: [0.1, 1.2],
  };
}

/** Replaces figures of one server in the cases of one group. */
export function withRelay(
  report: Report,
  server: string,
  isMeant: (relayCase: RelayCase) => boolean,
  change: Partial<RelayFigures>,
): Report {
  const relay = report.relay.map((figures) =>
    figures.server === server && isMeant(figures.case) ? { ...figures, ...change } : figures,
  );
  return { ...report, relay };
}

function isAble(
  { name }: MadeUpServer,
  { transport, framing, workers, routes }: RelayCase,
): boolean {
  if (name === 'turnpike') return true;
  if (routes > 1) return false;
  if (name.startsWith('coturn')) return true;
  return transport === 'udp' && framing === 'channelData' && workers === 1;
}

function relayFigures(
  relayCase: RelayCase,
  server: MadeUpServer,
  others: readonly MadeUpServer[],
): RelayFigures {
  const { packetsPerSecond, burst, direction, clients, transport } = relayCase;
  const ceiling = SATURATED_PACKETS_PER_SECOND * server.rate;
  const sent = packetsPerSecond ?? 160_000;
  const received = Math.min(sent, ceiling);
  const base = (40 / (received / 6000 + 6) + 2.5) * (direction === 'down' ? 1.1 : 1);
  const cpu = base * server.cpu * (burst > 1 ? 0.6 : 1) * (1 + Math.log10(clients) / 100);
  const added = { p50: 20 + received / 3000, p99: 60 + received / 900, p999: 150 + received / 200 };
  const isTimed = transport === 'udp' && packetsPerSecond !== null;
  const scaled = {
    p50: added.p50 * server.latency,
    p99: added.p99 * server.latency,
    p999: added.p999 * server.latency,
  };
  return {
    case: relayCase,
    server: server.name,
    rounds: 5,
    receivedPerSecond: received,
    lossPercent: (1 - received / sent) * 100,
    cpuMicrosecondsPerPacket: cpu,
    cpuRatios: ratios(server, others, ({ cpu: factor }) => factor),
    userPercent: 10,
    userMicrosecondsPerPacket: cpu / 10,
    reordered: 0,
    latency: isTimed
      ? { p50: scaled.p50 + 15, p99: scaled.p99 + 40, p999: scaled.p999 + 90 }
      : null,
    addedLatency: isTimed ? scaled : null,
    addedLatencyRatios: isTimed
      ? Object.fromEntries(
          Object.entries(ratios(server, others, ({ latency }) => latency)).map(([name, ratio]) => [
            name,
            { p50: ratio, p99: ratio, p999: ratio },
          ]),
        )
      : {},
    serverPercent: 80,
    generatorPercent: 60,
    isGeneratorLimit: packetsPerSecond === null && server.rate > 2,
    generatorLateness: { p50: 1, p99: 8, p999: 30 },
  };
}

function rateFigures(
  relayCase: RelayCase,
  server: MadeUpServer,
  others: readonly MadeUpServer[],
): HighestRateFigures {
  return {
    case: relayCase,
    server: server.name,
    rounds: 5,
    lossPercentMax: 0.1,
    packetsPerSecond: 70_000 * server.rate,
    rateRatios: ratios(server, others, ({ rate }) => rate),
    isGeneratorLimit: server.name === 'c-segment',
  };
}

function memoryFigures(
  allocations: number,
  server: MadeUpServer,
  others: readonly MadeUpServer[],
): MemoryFigures {
  const bytes = 6000 * server.memory;
  return {
    server: server.name,
    rounds: 5,
    allocations,
    idleMegabytes: 50,
    grownMegabytes: (bytes * allocations) / 1e6,
    bytesPerAllocation: bytes - 500,
    bytesPerAllocationWithChannel: bytes,
    allocationsPerSecond: 6000 * server.rate,
    allocationRateRatios: ratios(server, others, ({ rate }) => rate),
    memoryRatios: ratios(server, others, ({ memory }) => memory),
    cpuMicrosecondsPerAllocation: 100,
    retransmissions: 0,
    generatorPercent: 70,
  };
}

function ratios(
  server: MadeUpServer,
  others: readonly MadeUpServer[],
  factor: (server: MadeUpServer) => number,
): Record<string, number> {
  return Object.fromEntries(
    others
      .filter(({ name }) => name !== server.name)
      .map((other) => [other.name, factor(server) / factor(other)]),
  );
}
