import { setTimeout as pause } from 'node:timers/promises';
import { cpuUse, readProcessTimes } from '../../bench/measure/process-times.ts';
import type { LoadCount, RelayLoad } from '../../test/support/relay-load.ts';

/** What calls and the gateway did meanwhile. */
export interface Meanwhile extends LoadCount {
  /** Share of one processor that the gateway used, 0 to 1 and above. */
  readonly processorShare: number;
}

/** Lets calls relay while `act` runs, and counts what comes back. */
export async function relayWhile(
  calls: RelayLoad,
  pid: number,
  act: () => Promise<unknown>,
): Promise<Meanwhile> {
  const before = readProcessTimes(pid);
  const start = performance.now();
  calls.start();
  try {
    await act();
  } finally {
    await calls.stop();
  }
  const microseconds = (performance.now() - start) * 1000;
  const processorShare = cpuUse(before, readProcessTimes(pid)).microseconds / microseconds;
  return { ...calls.count, processorShare };
}

/** Relays for a while with nothing wrong. */
export function relayFor(calls: RelayLoad, pid: number, milliseconds: number): Promise<Meanwhile> {
  return relayWhile(calls, pid, () => pause(milliseconds));
}
