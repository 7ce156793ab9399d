import { fstatSync, write, writeSync } from 'node:fs';
import { LOG_RETRY_SECONDS, LOG_WAITING_BYTES_MAX } from './limits.ts';

const STANDARD_OUTPUT = 1;

/** Takes some of `bytes`, which are borrowed until it says how many those were, or why none. */
export type TakeBytes = (
  bytes: Uint8Array,
  done: (error: Error | null | undefined, written: number) => void,
) => void;

/** Opens standard output; what waits when the process ends gets a last try. */
export function openStandardOutput(): LogOutput {
  const stats = fstatSync(STANDARD_OUTPUT);
  const output = new LogOutput(stats.isFIFO() || stats.isSocket() ? toReader() : toFile);
  process.once('exit', () => {
    try {
      writeSync(STANDARD_OUTPUT, output.rest);
    } catch {
      // Nobody is left to be told.
    }
  });
  return output;
}

/** Without a thread that waits for the reader: the process could not end before the thread does. */
function toReader(): TakeBytes {
  const { stdout } = process;
  stdout.on('error', () => {});
  return (bytes, done) => stdout.write(bytes, (error) => done(error, bytes.length));
}

function toFile(bytes: Uint8Array, done: Parameters<TakeBytes>[1]): void {
  write(STANDARD_OUTPUT, bytes, done);
}

/**
 * Where lines of the log go: they wait for whoever takes them, never the other way round.
 *
 * A disk may be full and a reader may sleep. Lines beyond `LOG_WAITING_BYTES_MAX` are lost then, and counted; what
 * waits is tried again until it is taken.
 */
export class LogOutput {
  /** Lines that were lost since the start. */
  lostLines = 0;
  /** Told how many lines were lost, once lines are taken again. */
  onTakenAgain: (lost: number) => void = () => {};
  readonly #take: TakeBytes;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #pending: Uint8Array = new Uint8Array();
  #isOffered = false;
  #reportedLines = 0;

  constructor(take: TakeBytes) {
    this.#take = take;
  }

  /** Writes whole lines, or loses them. */
  write(text: string): void {
    const byteLength = Buffer.byteLength(text);
    if (this.#waitingBytes + byteLength > LOG_WAITING_BYTES_MAX) {
      this.lostLines += 1;
      return;
    }
    this.#waiting.push(text);
    this.#waitingBytes += byteLength;
    if (this.#pending.length === 0) this.#begin();
  }

  /** What nobody has been offered yet, in order. */
  get rest(): Buffer {
    const refused = this.#isOffered ? new Uint8Array() : this.#pending;
    return Buffer.concat([refused, Buffer.from(this.#waiting.join(''))]);
  }

  #begin(): void {
    this.#pending = Buffer.from(this.#waiting.join(''));
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#offer();
  }

  #offer(): void {
    this.#isOffered = true;
    this.#take(this.#pending, (error, written) => {
      this.#isOffered = false;
      if (error) {
        setTimeout(() => this.#offer(), LOG_RETRY_SECONDS * 1000).unref();
        return;
      }
      this.#pending = this.#pending.subarray(written);
      if (this.#pending.length > 0) this.#offer();
      else this.#end();
    });
  }

  #end(): void {
    if (this.#waiting.length > 0) this.#begin();
    const lost = this.lostLines - this.#reportedLines;
    this.#reportedLines = this.lostLines;
    if (lost > 0) this.onTakenAgain(lost);
  }
}
