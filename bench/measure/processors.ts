import { availableParallelism } from 'node:os';

/** Processor of generator and sink, as a list of taskset(1). */
export const GENERATOR_PROCESSORS = '0';

/**
 * Processors of a server, as a list of taskset(1): one for each relay thread and none of them the generator's, or all
 * where there are not so many.
 */
export function serverProcessors(workers: number): string {
  const count = availableParallelism();
  return workers < count ? `1-${workers}` : `0-${count - 1}`;
}
