import t from 'tap';
import { verdictLine, verdictOf, type Result } from '../../assurance/result.ts';
import { atLeast, atMost, exactly } from '../../assurance/support/findings.ts';

const kept = atMost('lost', 1, 2);
const broken = atMost('lost', 3, 2);

const cases: readonly [name: string, result: Partial<Result>, verdict: string][] = [
  ['all that it found holds', { findings: [kept, kept] }, 'holds'],
  ['one finding does not hold', { findings: [kept, broken] }, 'fails'],
  ['it found nothing', { findings: [] }, 'fails'],
  ['it did not get to its end', { findings: [kept], problem: 'no network' }, 'fails'],
  ['it did not run', { findings: [], skipped: 'needs root' }, 'skipped'],
];

function resultOf(name: string, result: Partial<Result>): Result {
  return { name, promise: '', findings: [], seconds: 0, ...result };
}

t.test('verdicts', (t) => {
  for (const [name, result, verdict] of cases) {
    t.equal(verdictOf(resultOf(name, result)), verdict, name);
  }
  const results = cases.map(([, result], index) => resultOf(`scenario-${index}`, result));
  const failed = 'scenario-1, scenario-2, scenario-3';
  t.equal(verdictLine(results), `1 hold, 3 fail (${failed}), 1 skipped`);
  t.end();
});

t.test('findings are written with their unit, or as the text says', (t) => {
  t.match(atMost('a', 1234.567, 2000, 'ms'), { figure: '1,234.57 ms', bound: '<= 2,000 ms' });
  t.match(atLeast('a', 0.5, 1, { unit: 's' }), { figure: '0.5 s', bound: '>= 1 s', holds: false });
  t.match(exactly('a', 3, 3, { text: '3 of 7' }), { figure: '3 of 7', bound: '3', holds: true });
  t.end();
});
