/**
 * A lock in shared memory for critical sections of a few hundred nanoseconds on the control path.
 *
 * The word holds the owner (1 and up), so that the lock of a thread that died inside can be broken.
 */
export class SpinLock {
  readonly #words: Int32Array;
  readonly #index: number;
  readonly #owner: number;

  /** `words[index]` must be 0 at first; `owner` is at least 1 and different in every thread. */
  constructor(words: Int32Array, index: number, owner: number) {
    this.#words = words;
    this.#index = index;
    this.#owner = owner;
  }

  /** Runs `section` while no other thread runs one. */
  run<T>(section: () => T): T {
    while (Atomics.compareExchange(this.#words, this.#index, 0, this.#owner) !== 0);
    try {
      return section();
    } finally {
      Atomics.store(this.#words, this.#index, 0);
    }
  }

  /** Frees the lock if the thread `owner`, which is dead, held it. */
  breakFor(owner: number): void {
    Atomics.compareExchange(this.#words, this.#index, owner, 0);
  }
}
