import { cpus, release, totalmem } from 'node:os';
import type { Machine } from '../report-data.ts';
import { isPinning } from './pinned-process.ts';

/** Names what a report is made on. */
export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    processors: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    kernel: release().split('-')[0]!,
    isPinning,
  };
}
