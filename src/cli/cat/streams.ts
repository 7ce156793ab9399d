import type { Readable, Writable } from 'node:stream';
import { aborted } from '../stop-signal.ts';
import { CatFlow, type CatPlan } from './flow.ts';

/** Bytes that wait for a slow reader before datagrams are dropped. */
const UNREAD_BYTES_MAX = 1024 * 1024;
/** After the end of its input a flow goes on until nothing has come for so long. */
const QUIET_MS = 1000;
/** … but no longer than this. */
const LINGER_MS_MAX = 10_000;

/**
 * Carries a byte stream to the peer and what comes back to `output`, until the input ends and answers cease.
 *
 * @param stop - ends it at once.
 * @throws ClientError or ResponseError when the way to the peer cannot be opened or is lost.
 */
export async function carryStream(
  plan: CatPlan,
  { input, output, stop }: { input: Readable; output: Writable; stop: AbortSignal },
): Promise<void> {
  const quiet = new QuietPeriod();
  let onLost: ((reason: Error) => void) | undefined;
  const lost = new Promise<never>((_, reject) => {
    onLost = reject;
  });
  const opening = CatFlow.open(plan, {
    onData: (data) => {
      quiet.touch();
      if (output.writable && output.writableLength < UNREAD_BYTES_MAX) {
        output.write(new Uint8Array(data));
      }
    },
    onLost: (reason) => onLost?.(reason),
  });
  const closing = opening.catch(() => undefined);
  try {
    const carried = carry(opening, input, quiet);
    await Promise.race([carried, lost, aborted(stop)]);
  } finally {
    quiet.end();
    // What a connection still has to send is for its owner to finish.
    if (input !== (output as unknown)) input.destroy();
    await (await closing)?.close();
  }
}

async function carry(
  opening: Promise<CatFlow>,
  input: Readable,
  quiet: QuietPeriod,
): Promise<void> {
  const flow = await opening;
  await pump(flow, input);
  await quiet.reached();
  await flow.confirm();
}

async function pump(flow: CatFlow, input: Readable): Promise<void> {
  try {
    // A connection whose input has ended still has answers to carry.
    const chunks = input.iterator({ destroyOnReturn: false });
    for await (const chunk of chunks) await flow.sendChunk(chunk as Uint8Array);
  } catch (error) {
    // A reader that went away ends its input like any other.
    if (!input.destroyed) throw error;
  }
}

/** Waits until nothing has happened for a while. */
class QuietPeriod {
  #timer: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #reach: (() => void) | undefined;
  #isOver = false;

  /** Something has happened. */
  touch(): void {
    this.#timer?.refresh();
  }

  /** Resolves when nothing has happened for `QUIET_MS`. */
  reached(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isOver) return resolve();
      this.#reach = resolve;
      this.#timer = setTimeout(resolve, QUIET_MS);
      this.#deadline = setTimeout(resolve, LINGER_MS_MAX);
    });
  }

  /** Waits no longer. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#deadline);
    this.#reach?.();
  }
}
