type Step = () => unknown;

/** Takes back what a scenario has set up, the newest first, also when it fails or is interrupted. */
export class Cleanup {
  readonly #steps: Step[] = [];

  /** Runs `act` and then everything that it has left to be done. */
  static async around<Result>(act: (cleanup: Cleanup) => Promise<Result>): Promise<Result> {
    const cleanup = new Cleanup();
    const interrupt = (): void => void cleanup.#end().then(() => process.exit(1));
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, interrupt);
    try {
      return await act(cleanup);
    } finally {
      for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, interrupt);
      await cleanup.#end();
    }
  }

  /** Has something done at the end; what it throws is told and holds up nothing. */
  teardown(step: Step): void {
    this.#steps.push(step);
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
