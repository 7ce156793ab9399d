import { readMonotonicMs } from './clock.ts';

/** Measures how late a thread comes to its timers, and does something each time it does; does not keep it alive. */
export class TimerLag {
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #dueAtMs = 0;
  #lastMs = 0;

  /** `everyMs` is how often it measures. */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** How late the thread was last, or has been so far if that is longer, milliseconds; 0 while not started. */
  get ms(): number {
    if (this.#timer === undefined) return 0;
    return Math.max(this.#lastMs, readMonotonicMs() - this.#dueAtMs);
  }

  /** Starts to measure, and to call `onTick`. */
  start(onTick: () => void): void {
    this.#expect();
    this.#timer = setInterval(() => {
      this.#lastMs = Math.max(0, readMonotonicMs() - this.#dueAtMs);
      this.#expect();
      onTick();
    }, this.#everyMs).unref();
  }

  /** Ends what `start` began. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #expect(): void {
    this.#dueAtMs = readMonotonicMs() + this.#everyMs;
  }
}
