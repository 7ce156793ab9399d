import t from 'tap';
import { compare, functionFigure, type FunctionFigures } from '../../bench/micro/figures.ts';
import { availableGroups } from '../../bench/micro/groups.ts';
import { expectAll } from '../../bench/micro/micro-case.ts';
import { formatFigures } from '../../bench/micro/table.ts';
import { timeCases } from '../../bench/micro/timing.ts';

t.test('a figure is the median of the rounds, with its spread', (t) => {
  t.same(functionFigure([110, 90, 100], 16), {
    rounds: [110, 90, 100],
    nanoseconds: 100,
    spreadPercent: 10,
    bytesPerCall: 16,
  });
  t.equal(functionFigure([100], 0).spreadPercent, null, 'one round has none');
  t.end();
});

t.test('a difference counts when no round of one version is like one of the other', (t) => {
  const older = functionFigure([100, 104, 102], 0);
  const against = (rounds: number[]): unknown => compare(older, functionFigure(rounds, 0));
  t.same(against([90, 99, 51]), { ratio: 0.9, verdict: 'faster' });
  t.same(against([200, 105, 204]), { ratio: 2, verdict: 'slower' });
  t.same(against([50, 52, 103]), { ratio: 0.5, verdict: 'same' });
  t.same(compare(older, null), { ratio: null, verdict: null });
  t.same(compare(functionFigure([100], 0), functionFigure([50], 0)), {
    ratio: 0.5,
    verdict: null,
  });
  t.end();
});

t.test('a table has one version or two', (t) => {
  const newer = functionFigure([10, 12], 0);
  const gone = { ...figures('old one', null), older: newer };
  const found = [figures('first', newer), figures('second', functionFigure([1000], 16)), gone];
  const [title, head, first, second] = formatFigures(found.slice(0, 2), false).split('\n');
  t.equal(title, 'group');
  t.match(head, /^ {2}function +ns\/call +spread +bytes\/call$/);
  t.match(first, /^ {2}first +11\.0 +±9\.1 % +0\.0$/);
  t.match(second, /^ {2}second +1000 +- +16\.0$/);
  const compared = formatFigures(found, true);
  t.match(compared, / {2}old one +11\.0 +±9\.1 % +- +- +- +0\.0 +-\n/);
  t.end();
});

t.test('every function does what it is measured for', (t) => {
  for (const { name: group, open } of availableGroups()) {
    const cases = open();
    const names = cases.map(({ name }) => name);
    t.strictSame(names, [...new Set(names)], `${group}: every name is there once`);
    for (const { name, calls, before, run } of cases) {
      before?.();
      t.doesNotThrow(() => run(calls), `${group}: ${name}`);
    }
  }
  t.throws(() => expectAll(9, 10), /only 9 of 10/);
  t.end();
});

t.test('a call is timed as a part of its run', (t) => {
  let runs = 0;
  let calls = 0;
  const slow = {
    name: 'slow',
    calls: 4,
    before: () => void runs++,
    run: (count: number) => {
      calls += count;
      const end = performance.now() + 1;
      while (performance.now() < end);
    },
  };
  const [figure] = timeCases([slow], 5);
  t.match(figure, { name: 'slow' });
  t.ok(figure!.nanoseconds >= 250_000, `${figure!.nanoseconds} ns`);
  t.equal(calls, 4 * runs);
  t.end();
});

function figures(name: string, newer: FunctionFigures['newer']): FunctionFigures {
  const versions = { older: null, newer, ratio: null, verdict: null };
  return { group: 'group', name, isPacketPath: true, ...versions };
}
