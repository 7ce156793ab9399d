import t from 'tap';
import { WorkerQuestions } from '../../src/net/reactor/worker-questions.ts';
import type { Question } from '../../src/net/reactor/worker-protocol.ts';
import { readMonotonicMs } from '../../src/net/shared/clock.ts';
import { createHeartbeatMemory, Heartbeats } from '../../src/net/shared/heartbeats.ts';
import { TimerLag } from '../../src/net/shared/timer-lag.ts';
import type { MonotonicMs } from '../../src/turn/policy.ts';
import { poll } from '../support/poll.ts';

t.test('Heartbeats: how long a worker takes to answer', (t) => {
  const memory = createHeartbeatMemory(2);
  const [asking, answering] = [new Heartbeats(memory), new Heartbeats(memory)];
  const ask = (worker: number, now: number) => asking.ask(worker, now as MonotonicMs);
  const answer = (worker: number, now: number) => answering.answer(worker, now as MonotonicMs);
  const lag = (worker: number, now: number) => asking.lagMs(worker, now as MonotonicMs);
  answer(0, 50);
  t.equal(lag(0, 100), 0, 'what was not asked is no answer');
  t.ok(ask(0, 1000));
  t.notOk(ask(0, 2000), 'one question at a time');
  t.equal(lag(0, 3000), 2000, 'so long so far');
  t.equal(lag(1, 3000), 0, 'each for itself');
  answer(0, 3500);
  answer(0, 9000);
  t.equal(lag(0, 9000), 2500, 'until the next question, the last answer counts');
  t.ok(ask(0, 10_000));
  t.equal(lag(0, 10_100), 2500);
  answer(0, 10_001);
  t.equal(lag(0, 20_000), 1);
  t.ok(ask(0, 20_000));
  t.equal(lag(0, 26_000), 6000, 'one that owes an answer is not well, however it was before');
  asking.forget(0);
  t.equal(lag(0, 30_000), 0);
  t.ok(ask(0, 30_000), 'a new worker is asked anew');
  asking.owe(0, 31_000 as MonotonicMs);
  t.equal(lag(0, 32_000), 2000, 'one that was asked before it was gone');
  answer(0, 32_000);
  asking.owe(0, 31_000 as MonotonicMs);
  t.equal(lag(0, 40_000), 9000, 'one that is gone, however well it has answered');
  t.notOk(ask(0, 40_000));
  t.end();
});

t.test('TimerLag: a thread that stands still', async (t) => {
  const lag = new TimerLag(10);
  t.equal(lag.ms, 0);
  let ticks = 0;
  lag.start(() => ticks++);
  await poll(
    () => ticks,
    (count) => count > 0,
  );
  const until = readMonotonicMs() + 100;
  while (readMonotonicMs() < until);
  t.ok(lag.ms >= 80, `${lag.ms} ms so far`);
  const before = ticks;
  await poll(
    () => ticks,
    (count) => count > before,
  );
  lag.stop();
  t.equal(lag.ms, 0);
  t.notOk(process.getActiveResourcesInfo().includes('Timeout'), 'it keeps no process alive');
});

t.test('WorkerQuestions: answers find their question, also those that never come', async (t) => {
  const questions = new WorkerQuestions();
  const posted: Question[] = [];
  const end = (worker: number): Promise<number | undefined> =>
    questions.ask(worker, 'end', { reason: 'kicked', id: `${worker}` }, (question) => {
      posted.push(question);
    });
  const asked = [end(0), end(1), end(0), end(1)];
  t.equal(new Set(posted.map(({ request }) => request)).size, 4);
  t.match(posted[1], { kind: 'end', subject: { id: '1' } });
  questions.answer(posted[2]!.request, 7);
  questions.answer(posted[2]!.request, 8);
  questions.answer(-1, 9);
  questions.giveUp(0);
  questions.answer(posted[0]!.request, 10);
  questions.answer(posted[3]!.request, 0);
  questions.giveUp(1);
  t.same(await Promise.all(asked), [undefined, undefined, 7, 0]);
});
