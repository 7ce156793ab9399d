import { Bench } from 'tinybench';
import type { MicroCase } from './micro-case.ts';
import type { TimeFigure } from './protocol.ts';
import { sink } from './sink.ts';

/** Times each case over as long as told, after a warm-up of the same length. */
export function timeCases(cases: readonly MicroCase[], milliseconds: number): TimeFigure[] {
  const bench = new Bench({
    time: milliseconds,
    warmupTime: milliseconds,
    timestampProvider: 'hrtimeNow',
    throws: true,
  });
  for (const { name, calls, before, run } of cases) {
    const measured = (): void => void (sink.result = run(calls));
    bench.add(name, measured, { async: false, ...(before && { beforeEach: () => before() }) });
  }
  return bench.runSync().map(({ result }, index) => {
    const { name, calls } = cases[index]!;
    if (!('latency' in result)) throw new Error(`${name} was not measured`);
    return { name, nanoseconds: (result.latency.p50 * 1e6) / calls };
  });
}
