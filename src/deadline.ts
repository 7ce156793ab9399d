/**
 * A signal that aborts when another one does, or when time is up.
 *
 * AbortSignal.any over AbortSignal.timeout would say the same in a line, but Node.js may collect such a timeout as
 * garbage, and then it never comes (nodejs/node#57736).
 */
export class Deadline {
  /** True once time was up, and not when the other signal came first. */
  isOver = false;
  readonly #controller = new AbortController();
  readonly #stopped: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  /** @param stopped - the other signal. */
  constructor(stopped: AbortSignal, milliseconds: number) {
    this.#stopped = stopped;
    this.#timer = setTimeout(() => {
      this.isOver = !this.signal.aborted;
      this.#controller.abort();
    }, milliseconds);
    if (stopped.aborted) this.#stop();
    else stopped.addEventListener('abort', this.#stop);
  }

  /** What aborts. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Lets go of timer and signal, once nobody waits any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#stopped.removeEventListener('abort', this.#stop);
  }

  readonly #stop = (): void => this.#controller.abort();
}
