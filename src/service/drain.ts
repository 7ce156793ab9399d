const POLL_MS = 100;

/** Waits until nothing is left, for so long and no longer. */
export async function waitUntilEmpty(
  count: () => number,
  timeoutSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + timeoutSeconds * 1000;
  while (count() > 0 && performance.now() < deadline && !signal.aborted) {
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
}
