import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import type { MicroCase } from './micro-case.ts';
import { sink } from './sink.ts';

/** What calls of a function left behind on the heap. */
export interface Allocation {
  readonly name: string;
  readonly calls: number;
  /** As far as it is not collected already. */
  readonly heapGrowthBytes: number;
  /** Garbage collections meanwhile. */
  readonly collections: number;
}

const ATTEMPTS = 4;
/** Per call: less than one object for many calls. */
const NOTHING_BYTES = 0.1;
const WARM_UP_CALLS = 10_000;
/** The compiler works in the background, and what it has not optimised yet creates numbers. */
const WARM_UP_MS = 20;
/** Well below a young generation, so that nothing is collected while it is looked at. */
const GROWTH_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Measures what `calls` calls allocate, fewer when that is much: the used heap after them less that before them, with a
 * collection first. Two readings of the heap are all that is allocated besides.
 *
 * The least of several attempts counts, since the compiler leaves code and feedback on the heap until it is content.
 *
 * @param isBeforeSilent - whether `before` allocates nothing; else the heap is read around every run.
 */
export async function measureAllocation(
  one: MicroCase,
  calls: number,
  isBeforeSilent: boolean,
): Promise<Allocation> {
  warmUp(one);
  const runsMax = Math.floor(GROWTH_BYTES_MAX / Math.max(growthOfEach(one, 1), 1));
  const runs = Math.max(1, Math.min(Math.ceil(calls / one.calls), runsMax));
  const growthOf = isBeforeSilent ? growthOfAll : growthOfEach;
  let least = await attempt(one, runs, growthOf);
  for (let repeated = 1; repeated < ATTEMPTS && !isNothing(least); repeated++) {
    warmUp(one);
    const again = await attempt(one, runs, growthOf);
    if (again.collections <= least.collections && again.heapGrowthBytes < least.heapGrowthBytes) {
      least = again;
    }
  }
  return least;
}

function isNothing({ calls, heapGrowthBytes, collections }: Allocation): boolean {
  return collections === 0 && heapGrowthBytes < NOTHING_BYTES * calls;
}

async function attempt(
  one: MicroCase,
  runs: number,
  growthOf: typeof growthOfAll,
): Promise<Allocation> {
  const starts: number[] = [];
  const observer = new PerformanceObserver((list) => {
    starts.push(...list.getEntries().map(({ startTime }) => startTime));
  });
  observer.observe({ entryTypes: ['gc'] });
  collectGarbage();
  const start = performance.now();
  const heapGrowthBytes = growthOf(one, runs);
  const end = performance.now();
  // Collections are reported between two turns of the event loop.
  for (let turn = 0; turn < 3; turn++) await nextTurn();
  observer.disconnect();
  const collections = starts.filter((at) => at >= start && at <= end).length;
  return { name: one.name, calls: runs * one.calls, heapGrowthBytes, collections };
}

function warmUp(one: MicroCase): void {
  const end = performance.now() + WARM_UP_MS;
  for (let calls = 0; calls < WARM_UP_CALLS || performance.now() < end; calls += one.calls) {
    runOnce(one);
  }
}

function growthOfAll(one: MicroCase, runs: number): number {
  const start = usedHeapBytes();
  for (let run = 0; run < runs; run++) runOnce(one);
  return usedHeapBytes() - start - READING_BYTES;
}

function growthOfEach(one: MicroCase, runs: number): number {
  let growth = 0;
  for (let run = 0; run < runs; run++) {
    one.before?.();
    const start = usedHeapBytes();
    sink.result = one.run(one.calls);
    growth += usedHeapBytes() - start - READING_BYTES;
  }
  return growth;
}

function runOnce(one: MicroCase): void {
  one.before?.();
  sink.result = one.run(one.calls);
}

function usedHeapBytes(): number {
  return getHeapStatistics().used_heap_size;
}

/** What a reading adds to the next one. */
const READING_BYTES = ((): number => {
  const differences = Array.from({ length: 1001 }, () => -usedHeapBytes() + usedHeapBytes());
  return differences.toSorted((a, b) => a - b)[500]!;
})();

/** Empties the young generation; throws unless Node.js was started with `--expose-gc`. */
function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('needs --expose-gc');
  // What survives the first one is moved out by the second.
  globalThis.gc({ type: 'minor' });
  globalThis.gc({ type: 'minor' });
}
