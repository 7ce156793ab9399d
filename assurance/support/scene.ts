/** What a scenario has opened; ended in the reverse order. */
export class Scene {
  readonly #ends: (() => unknown)[] = [];

  /** Calls `end` when the scenario is over. */
  teardown(end: () => unknown): void {
    this.#ends.push(end);
  }

  /** Ends everything, whatever fails on the way. */
  async end(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) {
      try {
        await end();
      } catch {
        // What went wrong before is what matters.
      }
    }
  }
}

/** Runs with a scene that is ended also when `run` throws. */
export async function inScene<Result>(run: (scene: Scene) => Promise<Result>): Promise<Result> {
  const scene = new Scene();
  try {
    return await run(scene);
  } finally {
    await scene.end();
  }
}
