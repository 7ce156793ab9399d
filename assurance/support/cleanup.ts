type Step = () => unknown;

/** Takes back what a scenario has set up, the newest first, also when it fails or is interrupted; may be nested. */
export class Cleanup {
  /** Those that are not over, in the order in which they began. */
  static readonly #open: Cleanup[] = [];
  readonly #steps: Step[] = [];

  /** Runs `act` and then everything that it has left to be done. */
  static async around<Result>(act: (cleanup: Cleanup) => Promise<Result>): Promise<Result> {
    const cleanup = new Cleanup();
    if (Cleanup.#open.push(cleanup) === 1) Cleanup.#listen(true);
    try {
      return await act(cleanup);
    } finally {
      await cleanup.#end();
      Cleanup.#open.splice(Cleanup.#open.indexOf(cleanup), 1);
      if (Cleanup.#open.length === 0) Cleanup.#listen(false);
    }
  }

  /** Has something done at the end; what it throws is told and holds up nothing. */
  teardown(step: Step): void {
    this.#steps.push(step);
  }

  static #listen(isOn: boolean): void {
    for (const signal of ['SIGINT', 'SIGTERM']) {
      if (isOn) process.on(signal, Cleanup.#interrupt);
      else process.off(signal, Cleanup.#interrupt);
    }
  }

  static readonly #interrupt = (): void => {
    void Cleanup.#endAll().then(() => process.exit(1));
  };

  static async #endAll(): Promise<void> {
    for (const cleanup of Cleanup.#open.toReversed()) await cleanup.#end();
  }

  async #end(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        console.error(`  ... cleaning up: ${String(error)}`);
      }
    }
  }
}
