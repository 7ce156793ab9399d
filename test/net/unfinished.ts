import t from 'tap';
import { Unfinished } from '../../src/net/reactor/unfinished.ts';

t.test('each descriptor is taken once, however often it was added', (t) => {
  const unfinished = new Unfinished();
  t.same(unfinished.take(), []);
  for (const fd of [7, 3, 7, 7, 3]) unfinished.add(fd);
  const taken = unfinished.take();
  t.same(taken, [7, 3]);
  // While those taken are gone through, some are not done again.
  unfinished.add(3);
  unfinished.add(3);
  t.same(taken, [7, 3], 'what was taken stays as it is');
  t.same(unfinished.take(), [3]);
  t.same(unfinished.take(), []);
  t.end();
});
