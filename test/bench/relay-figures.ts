import t from 'tap';
import { relayFigures } from '../../bench/cases/relay-figures.ts';
import { relayCase } from '../../bench/cases/relay-case.ts';
import { RoundResults } from '../../bench/cases/round-results.ts';
import type { TrafficResult } from '../../bench/load/protocol.ts';
import { median } from '../../bench/measure/statistics.ts';

const paced = relayCase({ group: 'paced', direction: 'up', packetsPerSecond: 60_000 });
const direct = { p50: 2, p99: 4, p999: 8 };

t.test(
  'figures are medians of the rounds, and ratios compare servers within a round',
  async (t) => {
    const results = resultsOf({ ours: [10, 40, 30], theirs: [20, 50, 30] });
    t.match(relayFigures(paced, 'ours', results, direct), {
      case: paced,
      server: 'ours',
      rounds: 3,
      receivedPerSecond: 500,
      lossPercent: 20,
      cpuMicrosecondsPerPacket: 30,
      cpuRatios: { theirs: 0.8 },
      userPercent: 25,
      serverPercent: 2,
      generatorPercent: 50,
      isGeneratorLimit: false,
      latency: { p50: 30, p99: 60, p999: 90 },
      addedLatency: { p50: 28, p99: 56, p999: 82 },
      addedLatencyRatios: { theirs: { p50: 0.792, p99: 0.792, p999: 0.789 } },
      generatorLateness: { p50: 1, p99: 2, p999: 3 },
    });
  },
);

t.test('without the direct way nothing is said about added latency', async (t) => {
  const figures = relayFigures(paced, 'ours', resultsOf({ ours: [10], theirs: [20] }), undefined);
  t.equal(figures.addedLatency, null);
  t.strictSame(figures.addedLatencyRatios, {});
});

t.test('a saturated load has no latency', async (t) => {
  const saturated = relayCase({ group: 'saturated', direction: 'up' });
  t.equal(relayFigures(saturated, 'ours', resultsOf({ ours: [10] }), undefined).latency, null);
});

t.test('only rounds that both servers have are compared', async (t) => {
  const results = resultsOf({ ours: [10, 20], theirs: [5] });
  results.set('theirs', 7, result(1));
  const figures = relayFigures(paced, 'ours', results, direct);
  t.strictSame(figures.cpuRatios, { theirs: 2 });
  t.strictSame(
    results.ratios('theirs', ({ reordered }) => reordered),
    {},
    'nothing above 0',
  );
});

t.test('the median of an even number lies between the two in the middle', async (t) => {
  t.equal(median([4, 1, 3, 2]), 2.5);
  t.equal(median([3, 1, 2]), 2);
});

function resultsOf(rounds: Record<string, readonly number[]>): RoundResults<TrafficResult> {
  const results = new RoundResults<TrafficResult>();
  for (const [server, values] of Object.entries(rounds)) {
    for (const [index, value] of values.entries()) results.set(server, index + 1, result(value));
  }
  return results;
}

function result(value: number): TrafficResult {
  const microseconds = 1000 * value;
  return {
    sent: 1250,
    received: 1000,
    reordered: 0,
    seconds: 2,
    latency: { p50: value, p99: 2 * value, p999: 3 * value },
    lateness: { p50: 1, p99: 2, p999: 3 },
    generatorBusyShare: 0.5,
    longestPauseSeconds: 0.001,
    cpu: { microseconds, busiestMicroseconds: microseconds, busiestUserShare: 0.25 },
  };
}
