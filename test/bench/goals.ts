import t from 'tap';
import type { RelayCase, Report } from '../../bench/report-data.ts';
import type { GoalFigure, Opponent } from '../../bench/report/goal-table.ts';
import { evaluateGoals, type GoalCell } from '../../bench/report/goals.ts';
import { MADE_UP_SERVERS, madeUpReport, withRelay } from '../support/report-fixture.ts';

const report = madeUpReport();
const isPaced = ({ group, packetsPerSecond }: RelayCase): boolean =>
  group === 'paced' && packetsPerSecond === 60_000;

t.test('every goal is measured by the cases that the bench has', async (t) => {
  for (const { goal, cells } of evaluateGoals(report)) {
    for (const { bound, outcome, isPartial } of cells) {
      t.not(outcome, 'notMeasured', `${goal.title} against ${bound.against}`);
      t.notOk(isPartial, `${goal.title} against ${bound.against} in all cases`);
    }
  }
});

t.test('figures are compared with the bound of their opponent', async (t) => {
  const expected: readonly [
    figure: GoalFigure,
    against: Opponent,
    value: number,
    isReached: boolean,
  ][] = [
    ['cpu', 'c', 1 / 0.95, true],
    ['cpu', 'c-segment', 1 / 0.9, true],
    ['cpu', 'coturn', 0.5, true],
    ['cpu', 'coturn-4.17', 1 / 1.6, true],
    ['latency', 'coturn', 0.5, true],
    ['latency', 'coturn-4.17', 0.8, true],
    ['highestRate', 'coturn', 2, true],
    ['highestRate', 'coturn-4.17', 1.6, true],
    ['memory', 'coturn', 0.25, true],
    ['memory', 'coturn-4.17', 0.4, true],
    ['memoryBytes', 'itself', 6000, true],
    ['allocationRate', 'coturn', 2, true],
    ['allocationRate', 'coturn-4.17', 1.6, true],
    ['growth', 'itself', 1, true],
    ['garbage', 'itself', 0, true],
  ];
  for (const [figure, against, value, isReached] of expected) {
    const [cell] = cellsOf(report, figure, against);
    t.equal(cell?.worst?.value, value, `${figure} against ${against}`);
    t.equal(cell?.outcome === 'reached', isReached, `${figure} against ${against}`);
  }
  const video = cellsOf(report, 'cpu', 'coturn-4.17').find(({ bound }) => bound.value === 0.6);
  t.match(video, { outcome: 'missed', server: 'coturn-4.17.1' });
});

t.test('a bound is reached by its very value, and missed beyond', async (t) => {
  for (const [ratio, outcome] of [
    [0.75, 'reached'],
    [0.751, 'missed'],
  ] as const) {
    const cell = pacedCell(
      withRelay(report, 'turnpike', isPaced, { cpuRatios: { coturn: ratio } }),
    );
    t.equal(cell.outcome, outcome, String(ratio));
  }
  const slow = report.highestRates.map((figures) => ({ ...figures, rateRatios: { coturn: 1.39 } }));
  t.equal(
    cellsOf({ ...report, highestRates: slow }, 'highestRate', 'coturn')[0]?.outcome,
    'missed',
  );
});

t.test('the worst direction counts', async (t) => {
  const isDown = (relayCase: RelayCase): boolean =>
    isPaced(relayCase) && relayCase.direction === 'down';
  const worse = withRelay(report, 'turnpike', isDown, { cpuRatios: { coturn: 0.9 } });
  t.match(pacedCell(worse), {
    outcome: 'missed',
    worst: { value: 0.9, label: 'udp down 200 B 60 k/s' },
  });
  const [first] = report.highestRates.filter(
    (figures) => figures.server === 'turnpike' && figures.case.burst === 8,
  );
  const highestRates = report.highestRates.map((figures) =>
    figures === first ? { ...figures, rateRatios: { coturn: 1.1 } } : figures,
  );
  t.match(cellsOf({ ...report, highestRates }, 'highestRate', 'coturn')[0], {
    outcome: 'missed',
    worst: { value: 1.1, label: 'up' },
  });
});

t.test('p50 and p99 of the latency count, unless the peer added none', async (t) => {
  const isSlow = ({ name }: RelayCase): boolean => name === 'udp up 200 B 20 k/s';
  const addedLatencyRatios = { coturn: { p50: 0.5, p99: 3, p999: 9 } };
  const slow = withRelay(report, 'turnpike', isSlow, { addedLatencyRatios });
  t.match(cellsOf(slow, 'latency', 'coturn')[0], {
    outcome: 'missed',
    worst: { value: 3, label: 'p99, udp up 200 B 20 k/s' },
  });
  const addedLatency = { p50: 1, p99: -1, p999: 1 };
  const noise = withRelay(slow, 'coturn', isSlow, { addedLatency });
  t.match(cellsOf(noise, 'latency', 'coturn')[0], { outcome: 'reached', worst: { value: 0.5 } });
});

t.test('it is said when the generator was the limit, for either server', async (t) => {
  t.equal(pacedCell(report).worst?.isGeneratorLimit, false);
  for (const server of ['turnpike', 'coturn']) {
    const limited = withRelay(report, server, isPaced, { isGeneratorLimit: true });
    t.equal(pacedCell(limited).worst?.isGeneratorLimit, true, server);
    const late = withRelay(report, server, () => true, {
      generatorLateness: { p50: 1e6, p99: 1e6, p999: 1e6 },
    });
    t.equal(cellsOf(late, 'latency', 'coturn')[0]?.worst?.isGeneratorLimit, true, server);
    const highestRates = report.highestRates.map((figures) => ({
      ...figures,
      isGeneratorLimit: figures.server === server,
    }));
    const rates = cellsOf({ ...report, highestRates }, 'highestRate', 'coturn');
    t.equal(rates[0]?.worst?.isGeneratorLimit, true, server);
    const memory = report.memory.map((figures) => ({
      ...figures,
      generatorPercent: figures.server === server ? 99 : 50,
    }));
    const allocations = cellsOf({ ...report, memory }, 'allocationRate', 'coturn');
    t.equal(allocations[0]?.worst?.isGeneratorLimit, true, server);
  }
});

t.test('growth compares the largest load with the smallest', async (t) => {
  const isLarge = ({ routes, direction }: RelayCase): boolean =>
    routes === 10_000 && direction === 'down';
  const [small] = report.relay.filter(
    (figures) =>
      figures.server === 'turnpike' &&
      figures.case.group === 'scale' &&
      figures.case.direction === 'down',
  );
  const cpuMicrosecondsPerPacket = 1.25 * small!.cpuMicrosecondsPerPacket;
  const grown = withRelay(report, 'turnpike', isLarge, { cpuMicrosecondsPerPacket });
  const [allocations, routes] = cellsOf(grown, 'growth', 'itself');
  t.equal(allocations?.outcome, 'reached');
  t.match(routes, { outcome: 'missed', worst: { value: 1.25, label: 'down' } });
});

t.test('what was not measured is neither reached nor missed', async (t) => {
  const alone = madeUpReport(MADE_UP_SERVERS.filter(({ name }) => name === 'turnpike'));
  for (const { bound, outcome, server } of allCells(alone)) {
    t.equal(outcome === 'notMeasured', bound.against !== 'itself', bound.against);
    t.equal(server, undefined);
  }
  const nothing = { ...report, relay: [], highestRates: [], memory: [], garbage: [] };
  t.ok(allCells(nothing).every(({ outcome }) => outcome === 'notMeasured'));
});

t.test('it is said when some of the loads are missing', async (t) => {
  const relay = report.relay.filter((figures) => figures.case.direction === 'up');
  const garbage = report.garbage.slice(1);
  for (const { bound, isPartial, outcome } of allCells({ ...report, relay, garbage })) {
    const isWhole = ['highestRate', 'memory', 'memoryBytes', 'allocationRate'].includes(
      bound.figure,
    );
    t.equal(isPartial, !isWhole, `${bound.figure} against ${bound.against}`);
    t.not(outcome, 'notMeasured');
  }
});

function pacedCell(from: Report): GoalCell {
  return cellsOf(from, 'cpu', 'coturn')[0]!;
}

function cellsOf(from: Report, figure: GoalFigure, against: Opponent): GoalCell[] {
  return allCells(from).filter(({ bound }) => bound.figure === figure && bound.against === against);
}

function allCells(from: Report): GoalCell[] {
  return evaluateGoals(from).flatMap(({ cells }) => cells);
}
