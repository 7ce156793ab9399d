import { setTimeout as delay } from 'node:timers/promises';
import { CommandFailure } from '../command-failure.ts';

/** Where and how often something is shown again. */
export interface WatchOptions {
  readonly seconds: number;
  /** On a terminal the screen is redrawn, elsewhere text is appended. */
  readonly isTerminal: boolean;
  readonly write: (text: string) => void;
  /** Takes a line that says why there is nothing to show. */
  readonly writeFailure: (text: string) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

const CLEAR_SCREEN = '\u001B[H\u001B[2J\u001B[3J';

/**
 * Shows what `read` gives again and again until the signal aborts; once there was something to show, it outlasts
 * failures.
 *
 * @throws CommandFailure of the first `read`, and any other error.
 */
export async function watch(read: () => Promise<string>, options: WatchOptions): Promise<void> {
  const { seconds, isTerminal, write, writeFailure, signal } = options;
  let hasShown = false;
  while (!signal.aborted) {
    try {
      const text = await read();
      if (signal.aborted) return;
      write(isTerminal ? `${CLEAR_SCREEN}${text}` : text);
      hasShown = true;
    } catch (error) {
      if (signal.aborted) return;
      if (!hasShown || !(error instanceof CommandFailure)) throw error;
      writeFailure(`${error.message}\n`);
    }
    await delay(seconds * 1000, undefined, { signal }).catch(() => undefined);
  }
}
