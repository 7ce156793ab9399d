import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How a process ended; `exitCode` is null when a signal ended it. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a finished command printed and returned. */
export interface CommandResult extends ProcessEnd {
  /** Standard output and standard error in order of arrival. */
  readonly output: string;
  /** True when the command ran into its time limit and was ended. */
  readonly isTimedOut: boolean;
}

/** Says why a tool cannot be used, for the `skip` option of a test; false when it is installed. */
export function missingTool(...names: readonly string[]): string | false {
  const missing = names.filter((name) => spawnSync('which', [name]).status !== 0);
  return missing.length > 0 && `not installed: ${missing.join(', ')}`;
}

/** A long-running child whose output is kept line by line. */
export class TestProcess {
  /** Lines of standard output and standard error so far. */
  readonly lines: string[] = [];
  /** Resolves once the process has ended and all of its output was read. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #observers = new Set<(line: string) => void>();
  #isEnded = false;

  /** Starts `file`; `environment` is added to the environment of the test. */
  constructor(
    file: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    // What tap has node load through NODE_OPTIONS, to count what is covered, doubles the time a gateway takes to start.
    const { NODE_OPTIONS = '' } = environment;
    this.#child = spawn('env', [`NODE_OPTIONS=${NODE_OPTIONS}`, file, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface(stream).on('line', (line) => this.#onLine(line));
    }
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (exitCode, signal) => {
        this.#isEnded = true;
        resolve({ exitCode, signal });
      });
    });
    this.ended.catch(() => undefined);
  }

  /** False once the process has ended. */
  get isAlive(): boolean {
    return !this.#isEnded;
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** All output so far. */
  get output(): string {
    return this.lines.join('\n');
  }

  /** Sends a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /**
   * Waits for a line, those already printed included.
   *
   * @throws Error with the output so far when the process ends or time runs out first.
   */
  async waitForLine(matches: (line: string) => boolean, timeoutMs = 20_000): Promise<string> {
    const seen = this.lines.find(matches);
    if (seen !== undefined) return seen;
    let observer = (_line: string): void => undefined;
    const found = new Promise<string>((resolve) => {
      observer = (line) => matches(line) && resolve(line);
    });
    this.#observers.add(observer);
    const ended = this.ended.then(({ exitCode, signal }) => {
      throw new Error(`ended with ${exitCode ?? signal} too early:\n${this.output}`);
    });
    try {
      const what = () => `no expected line within ${timeoutMs} ms:\n${this.output}`;
      return await within(timeoutMs, Promise.race([found, ended]), what);
    } finally {
      this.#observers.delete(observer);
    }
  }

  /**
   * Ends the process: each signal in turn, one second apart, until it is gone.
   *
   * @throws Error when even the last signal does not end it within five seconds.
   */
  async stop(
    signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGTERM', 'SIGKILL'],
  ): Promise<ProcessEnd> {
    for (const signal of signals) {
      if (this.isAlive) this.signal(signal);
      const waitMs = signal === 'SIGKILL' ? 5000 : 1000;
      const end = await within(waitMs, this.ended, () => signal).catch(() => undefined);
      if (end !== undefined) return end;
    }
    throw new Error(`process ${this.pid} does not end`);
  }

  #onLine(line: string): void {
    this.lines.push(line);
    for (const observe of this.#observers) observe(line);
  }
}

/** Runs a command to its end, or ends it by SIGKILL after `timeoutMs`. */
export async function runCommand(
  file: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<CommandResult> {
  const child = new TestProcess(file, args);
  let isTimedOut = false;
  const timer = setTimeout(() => {
    isTimedOut = true;
    child.signal('SIGKILL');
  }, timeoutMs);
  const end = await child.ended.finally(() => clearTimeout(timer));
  return { ...end, output: child.output, isTimedOut };
}

/** The result of `promise`, or a rejection with the text of `describe` after `timeoutMs`. */
export async function within<Value>(
  timeoutMs: number,
  promise: Promise<Value>,
  describe: () => string,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(describe())), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
