import { readFileSync } from 'node:fs';
import { EntryCount } from './entry-count.ts';
import type { MetricName } from './names.ts';
import type { ReadSamples, Sample } from './sample.ts';

/** What the process as a whole uses, as other programs tell it too; what the system does not tell is left out. */
export const PROCESS_SAMPLES = {
  process_cpu_seconds_total: () => {
    const { user, system } = process.cpuUsage();
    return value((user + system) / 1e6);
  },
  process_resident_memory_bytes: () => value(process.memoryUsage.rss()),
  process_open_fds: () => value(descriptors.read()),
  process_max_fds: () => value(descriptorsMax),
  process_start_time_seconds: () => value(performance.timeOrigin / 1000),
  nodejs_eventloop_active_seconds_total: () =>
    value(performance.eventLoopUtilization().active / 1000),
} satisfies Partial<Record<MetricName, ReadSamples>>;

const descriptors = new EntryCount('/proc/self/fd');

function value(read: number | undefined): Sample[] {
  return read === undefined ? [] : [{ value: read, labels: {} }];
}

const descriptorsMax = readDescriptorsMax();

function readDescriptorsMax(): number | undefined {
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return limit === null ? undefined : Number(limit[1]);
  } catch {
    return undefined;
  }
}
