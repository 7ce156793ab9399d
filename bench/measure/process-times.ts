import { readdirSync, readFileSync } from 'node:fs';

/** CPU time that a process spent between two instants. */
export interface CpuUse {
  /** User and system time of all threads, microseconds. */
  readonly microseconds: number;
  /** The same of the busiest thread alone. */
  readonly busiestMicroseconds: number;
  /** Share of the busiest thread's time that was spent in user space, 0 to 1; the kernel samples it. */
  readonly busiestUserShare: number;
}

/** CPU time of every thread of a process at one instant, by thread id. */
export type ProcessTimes = ReadonlyMap<string, ThreadTimes>;

interface ThreadTimes {
  readonly runNanoseconds: number;
  readonly userTicks: number;
  readonly systemTicks: number;
}

/** Reads the times of all threads of a process from /proc. */
export function readProcessTimes(pid: number): ProcessTimes {
  const folder = `/proc/${pid}/task`;
  return new Map(readdirSync(folder).map((thread) => [thread, readThread(`${folder}/${thread}`)]));
}

/** What a process spent from `before` to `after`; threads that ended in between do not count. */
export function cpuUse(before: ProcessTimes, after: ProcessTimes): CpuUse {
  const threads = [...after].map(([thread, times]) => difference(before.get(thread), times));
  const busiest = threads.toSorted((a, b) => b.runNanoseconds - a.runNanoseconds)[0]!;
  const ticks = busiest.userTicks + busiest.systemTicks;
  return {
    microseconds: threads.reduce((sum, { runNanoseconds }) => sum + runNanoseconds, 0) / 1000,
    busiestMicroseconds: busiest.runNanoseconds / 1000,
    busiestUserShare: ticks === 0 ? 0 : busiest.userTicks / ticks,
  };
}

/** Resident memory of a process, bytes. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

function readThread(folder: string): ThreadTimes {
  // The name in parentheses may hold anything, blanks too; field 3 follows it (proc(5)).
  const stat = readFileSync(`${folder}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const runNanoseconds = Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]);
  return { runNanoseconds, userTicks: Number(fields[11]), systemTicks: Number(fields[12]) };
}

function difference(before: ThreadTimes | undefined, after: ThreadTimes): ThreadTimes {
  return {
    runNanoseconds: after.runNanoseconds - (before?.runNanoseconds ?? 0),
    userTicks: after.userTicks - (before?.userTicks ?? 0),
    systemTicks: after.systemTicks - (before?.systemTicks ?? 0),
  };
}
