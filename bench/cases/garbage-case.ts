import { PLAIN, RunningServer } from '../measure/running-server.ts';
import { rounded } from '../measure/statistics.ts';
import type { GarbageFigures } from '../report-data.ts';
import { turnpikeWith } from '../servers/turnpike.ts';
import type { Conditions } from './block-run.ts';
import { setUpClients } from './clients.ts';
import { ABOUT } from './durations.ts';
import { orderOf } from './order.ts';
import { relayCase } from './relay-case.ts';

const DIRECTIONS = ['up', 'down'] as const;
const PACKETS_PER_SECOND = 100_000;
const WARM_UP_SECONDS = 3;
/** As small as V8 takes it, so that little garbage is enough for a collection. */
const SEMI_SPACE_MEGABYTES = 1;
/** A line of --trace-gc; it begins with process and isolate. */
const COLLECTION = /^\[(\d+:0x[\da-f]+)\].*\b(?:Scavenge|Mark-Compact|Minor)\b/;

/** About how long it takes, seconds. */
export function garbageSeconds(packets: number): number {
  const relaying = DIRECTIONS.length * (WARM_UP_SECONDS + 2 * ABOUT.silence);
  return ABOUT.start + relaying + packets / PACKETS_PER_SECOND;
}

/** Relays packets, half of them each way, and counts the garbage collections meanwhile. */
export async function runGarbageCase(
  packets: number,
  { surroundings, seed }: Conditions,
): Promise<GarbageFigures[]> {
  const server = turnpikeWith(['--trace-gc', `--max-semi-space-size=${SEMI_SPACE_MEGABYTES}`]);
  const running = await RunningServer.start(server, PLAIN, surroundings);
  const { generator } = surroundings;
  try {
    const figures: GarbageFigures[] = [];
    let previous: ReturnType<typeof relayCase> | undefined;
    for (const direction of DIRECTIONS) {
      const load = relayCase({
        group: 'garbage',
        direction,
        packetsPerSecond: PACKETS_PER_SECOND,
      });
      await setUpClients(generator, load, previous);
      previous = load;
      const order = { ...orderOf(load, server, seed), serverPid: running.pid };
      await generator.traffic({ ...order, seconds: WARM_UP_SECONDS });
      const before = workerCollections(running.lines);
      const seconds = packets / DIRECTIONS.length / PACKETS_PER_SECOND;
      const { received } = await generator.traffic({ ...order, seconds });
      const collections = workerCollections(running.lines) - before;
      figures.push(garbageFigures(direction, received, collections));
    }
    return figures;
  } finally {
    await running.stop();
  }
}

function garbageFigures(
  direction: GarbageFigures['direction'],
  packets: number,
  collections: number,
): GarbageFigures {
  const bytesMax = (collections + 1) * SEMI_SPACE_MEGABYTES * 2 ** 20;
  return { direction, packets, collections, bytesPerPacketMax: rounded(bytesMax / packets, 2) };
}

/** The main thread, which starts everything and so collects first, takes no part in relaying. */
function workerCollections(lines: readonly string[]): number {
  const isolates = lines.flatMap((line) => COLLECTION.exec(line)?.[1] ?? []);
  return isolates.filter((isolate) => isolate !== isolates[0]).length;
}
