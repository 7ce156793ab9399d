import { workerData } from 'node:worker_threads';
import { SpinLock } from '../../src/net/shared/spin-lock.ts';

/** What the worker counts in: word 0 is the lock, word 1 the counter, word 2 how many workers are there. */
export interface SpinLockWorkerData {
  readonly memory: SharedArrayBuffer;
  /** Different in every worker. */
  readonly owner: number;
  readonly workers: number;
  readonly rounds: number;
}

const { memory, owner, workers, rounds } = workerData as SpinLockWorkerData;
const words = new Int32Array(memory);
const lock = new SpinLock(words, 0, owner);
Atomics.add(words, 2, 1);
// All begin together, or the first would be done before the second has started.
while (Atomics.load(words, 2) < workers);
for (let round = 0; round < rounds; round++) {
  lock.run(() => {
    words[1]! += 1;
  });
}
