/** Runs jobs one after the other; whoever asks while one waits for its turn shares it. */
export class SharedRuns {
  #current: Promise<unknown> = Promise.resolve();
  #waiting: Promise<void> | undefined;

  /** Runs a job, or joins the one that has not begun; settles as that does. */
  run(job: () => Promise<void>): Promise<void> {
    if (this.#waiting !== undefined) return this.#waiting;
    const run = this.#current.then(() => {
      this.#waiting = undefined;
      return job();
    });
    this.#waiting = run;
    this.#current = run.catch(() => {});
    return run;
  }
}
