import { workerData } from 'node:worker_threads';
import type { FromWorker, ToWorker, WorkerStart } from '../../src/net/reactor/worker-protocol.ts';
import { readMonotonicMs } from '../../src/net/shared/clock.ts';
import { Heartbeats } from '../../src/net/shared/heartbeats.ts';

/** What a scripted worker does; it stands still when it is asked something. */
export type WorkerScript = 'serve' | 'die' | 'serve and die' | 'serve and stall';

const HEARTBEAT_MS = 50;
const STALL_MS = 60_000;

const { port, setup } = workerData as WorkerStart<WorkerScript>;
const script = setup.policies;
const post = (message: FromWorker): void => port.postMessage(message);
const heartbeats = new Heartbeats(setup.memory.heartbeats);
const die = (): never => {
  throw new Error('a test ends this worker');
};

if (script === 'die') die();
post({ kind: 'ready' });
if (script === 'serve and die') setTimeout(die, HEARTBEAT_MS);
setInterval(() => heartbeats.answer(setup.worker, readMonotonicMs()), HEARTBEAT_MS);
port.on('message', (message: ToWorker<WorkerScript>) => {
  if (message.kind === 'stop') process.exit();
  if (script === 'serve and stall') {
    const until = performance.now() + STALL_MS;
    while (performance.now() < until);
  }
  if (message.kind === 'end') post({ kind: 'answer', request: message.request, answer: 7 });
});
