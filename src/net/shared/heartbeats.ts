import type { MonotonicMs } from '../../turn/policy.ts';

const ASKED_AT = 0;
const ANSWERED_AT = 1;
const LAG = 2;
const VALUES = 3;

/** Memory for the heartbeats of `workers` threads; pass it to each of them. */
export function createHeartbeatMemory(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(workers * VALUES * Float64Array.BYTES_PER_ELEMENT);
}

/** Whether the loop of each worker turns: the main thread asks, and the loop answers when it comes to it. */
export class Heartbeats {
  readonly #values: Float64Array;

  /** `memory` comes from `createHeartbeatMemory`. */
  constructor(memory: SharedArrayBuffer) {
    this.#values = new Float64Array(memory);
  }

  /** Asks a worker, unless it still owes an answer; true when it has to be woken. */
  ask(worker: number, now: MonotonicMs): boolean {
    const at = worker * VALUES;
    if (this.#isAsked(at)) return false;
    this.#values[at + ASKED_AT] = now;
    return true;
  }

  /** Answers for a worker, if it was asked. */
  answer(worker: number, now: MonotonicMs): void {
    const at = worker * VALUES;
    if (!this.#isAsked(at)) return;
    this.#values[at + LAG] = now - this.#values[at + ASKED_AT]!;
    this.#values[at + ANSWERED_AT] = now;
  }

  /** How long a worker took to answer last, or how long it has owed an answer if that is longer, milliseconds. */
  lagMs(worker: number, now: MonotonicMs): number {
    const at = worker * VALUES;
    const owed = this.#isAsked(at) ? now - this.#values[at + ASKED_AT]! : 0;
    return Math.max(owed, this.#values[at + LAG]!);
  }

  /** A worker that is gone owes an answer since then, or since it was asked if that is earlier. */
  owe(worker: number, since: MonotonicMs): void {
    const at = worker * VALUES;
    const isEarlier = this.#isAsked(at) && this.#values[at + ASKED_AT]! < since;
    const askedAt = isEarlier ? this.#values[at + ASKED_AT]! : since;
    this.#values.set([askedAt, 0, 0], at);
  }

  /** A new worker owes nothing. */
  forget(worker: number): void {
    this.#values.fill(0, worker * VALUES, (worker + 1) * VALUES);
  }

  #isAsked(at: number): boolean {
    return this.#values[at + ASKED_AT]! > this.#values[at + ANSWERED_AT]!;
  }
}
