/** Aborts when the command is to end in good order: Ctrl-C, SIGTERM, or nobody reads its output any more. */
export function stopSignal(): AbortSignal {
  const stopper = new AbortController();
  const stop = (): void => stopper.abort();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
  process.stdout.once('error', stop);
  return stopper.signal;
}

/** Resolves when a signal aborts, at once when it has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
