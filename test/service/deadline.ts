import { once } from 'node:events';
import t from 'tap';
import { Deadline } from '../../src/deadline.ts';
import { collectGarbage } from '../support/heap.ts';

const SOON_MS = 20;
const LONG_MS = 3_600_000;

t.test('time is up whatever was collected as garbage meanwhile', async (t) => {
  const deadlines = Array.from({ length: 20 }, () => {
    return new Deadline(new AbortController().signal, SOON_MS);
  });
  const ends = deadlines.map(({ signal }) => once(signal, 'abort'));
  collectGarbage();
  await Promise.all(ends);
  t.ok(deadlines.every(({ isOver }) => isOver));
});

t.test('the other signal comes first', (t) => {
  const stopped = new AbortController();
  const deadline = new Deadline(stopped.signal, LONG_MS);
  t.notOk(deadline.signal.aborted);
  stopped.abort();
  t.same([deadline.signal.aborted, deadline.isOver], [true, false]);
  deadline.end();
  t.end();
});

t.test('the other signal came before', (t) => {
  const deadline = new Deadline(AbortSignal.abort(), LONG_MS);
  t.same([deadline.signal.aborted, deadline.isOver], [true, false]);
  deadline.end();
  t.end();
});

t.test('nothing comes after the end', (t) => {
  const stopped = new AbortController();
  const deadline = new Deadline(stopped.signal, LONG_MS);
  deadline.end();
  stopped.abort();
  t.notOk(deadline.signal.aborted);
  t.end();
});
