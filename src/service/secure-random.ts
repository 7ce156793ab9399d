import { randomFillSync, randomInt } from 'node:crypto';
import type { RandomSource } from '../turn/policy.ts';

const POOL_BYTES = 4096;

/** Unpredictable bytes and numbers, fetched many at a time since each fetch costs a system call. */
export const SECURE_RANDOM: RandomSource = {
  fill: (bytes) => {
    if (bytes.length > POOL_BYTES) {
      randomFillSync(bytes);
      return;
    }
    if (bytes.length > POOL_BYTES - used) refill();
    const end = used + bytes.length;
    bytes.set(pool.subarray(used, end));
    // What was handed out may be a secret of somebody.
    pool.fill(0, used, end);
    used = end;
  },
  below: (bound) => randomInt(bound),
};

const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

function refill(): void {
  randomFillSync(pool);
  used = 0;
}
