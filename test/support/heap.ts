import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Collects everything that can be collected. */
export function collectGarbage(): void {
  // Buffers go one collection after the objects that hold them.
  for (let round = 0; round < 3; round++) collect();
}

/** Bytes that this process uses once garbage is collected: its heap, and buffers outside it. */
export function usedBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
