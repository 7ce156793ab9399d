import { setTimeout as delay } from 'node:timers/promises';

/** Where and how often something is shown again. */
export interface WatchOptions {
  readonly seconds: number;
  /** On a terminal the screen is redrawn, elsewhere text is appended. */
  readonly isTerminal: boolean;
  readonly write: (text: string) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

const CLEAR_SCREEN = '\u001B[H\u001B[2J\u001B[3J';

/** Shows what `read` gives again and again until the signal aborts; throws what `read` throws. */
export async function watch(read: () => Promise<string>, options: WatchOptions): Promise<void> {
  const { seconds, isTerminal, write, signal } = options;
  while (!signal.aborted) {
    const text = await read();
    if (signal.aborted) return;
    write(isTerminal ? `${CLEAR_SCREEN}${text}` : text);
    await delay(seconds * 1000, undefined, { signal }).catch(() => undefined);
  }
}
