import type { Direction } from '../load/protocol.ts';
import type { GeneratorProcess } from '../measure/generator-process.ts';
import { RunningServer } from '../measure/running-server.ts';
import { turnpikeWith } from '../servers/turnpike.ts';
import { RELAY_CLIENTS } from '../settings.ts';

/** Garbage collections of the relay worker while packets were relayed in one direction. */
export interface GarbageFigures {
  readonly direction: Direction;
  readonly packets: number;
  readonly collections: number;
  /** The most that can have been allocated, from the size of the young generation and the collections. */
  readonly bytesPerPacketMax: number;
}

const PACKETS_PER_SECOND = 100_000;
const WARM_UP_SECONDS = 3;
const MEASURED_SECONDS = 12;
/** As small as V8 takes it, so that little garbage is enough for a collection. */
const SEMI_SPACE_MEGABYTES = 1;
/** A line of --trace-gc; it begins with process and isolate. */
const COLLECTION = /^\[(\d+:0x[\da-f]+)\].*\b(?:Scavenge|Mark-Compact|Minor)\b/;

/** Relays more than a million packets each way and counts the garbage collections meanwhile. */
export async function runGarbageCase(generator: GeneratorProcess): Promise<GarbageFigures[]> {
  const server = turnpikeWith(['--trace-gc', `--max-semi-space-size=${SEMI_SPACE_MEGABYTES}`]);
  const running = await RunningServer.start(server);
  try {
    await generator.allocate(RELAY_CLIENTS);
    await generator.bindChannels();
    const figures: GarbageFigures[] = [];
    for (const direction of ['up', 'down'] as const) {
      figures.push(await relayAndCount(direction, running, generator));
    }
    return figures;
  } finally {
    await running.stop();
  }
}

async function relayAndCount(
  direction: Direction,
  running: RunningServer,
  generator: GeneratorProcess,
): Promise<GarbageFigures> {
  const order = {
    direction,
    framing: 'channelData',
    packetsPerSecond: PACKETS_PER_SECOND,
    burst: 1,
    serverPid: running.pid,
  } as const;
  await generator.traffic({ ...order, seconds: WARM_UP_SECONDS });
  const before = workerCollections(running.lines);
  const { received } = await generator.traffic({ ...order, seconds: MEASURED_SECONDS });
  const collections = workerCollections(running.lines) - before;
  const bytesMax = (collections + 1) * SEMI_SPACE_MEGABYTES * 2 ** 20;
  const bytesPerPacketMax = Number((bytesMax / received).toFixed(2));
  return { direction, packets: received, collections, bytesPerPacketMax };
}

/** The main thread, which starts everything and so collects first, takes no part in relaying. */
function workerCollections(lines: readonly string[]): number {
  const isolates = lines.flatMap((line) => COLLECTION.exec(line)?.[1] ?? []);
  return isolates.filter((isolate) => isolate !== isolates[0]).length;
}
