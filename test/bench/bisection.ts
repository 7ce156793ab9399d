import t from 'tap';
import { bisect, type Outcome } from '../../bench/cases/bisection.ts';

t.test('the highest rate that is kept is found, wherever it lies', async (t) => {
  for (let highest = -1; highest < 127; highest++) {
    let trials = 0;
    const found = await bisect(127, async (index): Promise<Outcome> => {
      trials++;
      return index <= highest ? 'kept' : 'lost';
    });
    t.equal(found.index, highest);
    t.equal(trials, 7);
    t.equal(found.isGeneratorLimit, highest === 126, 'there was nothing left to send');
  }
});

t.test('a generator that sends no more ends the search and is named', async (t) => {
  const found = await bisect(127, async (index) => (index <= 40 ? 'kept' : 'generatorLimit'));
  t.strictSame(found, { index: 40, isGeneratorLimit: true });
  const both = await bisect(127, async (index) => {
    if (index <= 40) return 'kept';
    return index <= 60 ? 'lost' : 'generatorLimit';
  });
  t.strictSame(both, { index: 40, isGeneratorLimit: false });
});
