import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Log } from '../log.ts';
import { programArguments } from '../own-files.ts';

/** `turnpike echo` as it is by default, in a process of its own: what its callers make of it ends no call here. */
export class EchoProcess {
  readonly #child: ChildProcess;
  readonly #log: Log;
  readonly #lines: string[] = [];
  /** Resolves with how it ended, for people. */
  readonly #ended: Promise<string>;
  #isServing = false;

  private constructor(log: Log) {
    this.#log = log;
    this.#child = spawn(process.execPath, [...programArguments(), 'echo'], {
      // It ends when the channel does, so with this process, whatever ends that.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Ctrl-C in a terminal is for this process, which may have calls to wait for.
      detached: true,
    });
    const { stderr } = this.#child;
    if (stderr !== null) createInterface(stderr).on('line', (line) => this.#onLine(line));
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', ({ message }) => resolve(message));
      this.#child.once('close', (code, signal) => resolve(`it ended with ${code ?? signal}`));
    });
  }

  /**
   * Starts it and waits until it serves.
   *
   * @returns the reason why there is none, for people.
   */
  static async start(log: Log): Promise<EchoProcess | string> {
    const echo = new EchoProcess(log);
    const serves = new Promise<undefined>((resolve) => {
      echo.#child.once('message', () => resolve(undefined));
    });
    const problem = await Promise.race([serves, echo.#ended]);
    if (problem !== undefined) return echo.#lines[0] ?? problem;
    echo.#isServing = true;
    void echo.#ended.then((reason) => echo.#onEnd(reason));
    return echo;
  }

  /** Ends it. */
  async stop(): Promise<void> {
    this.#isServing = false;
    // Its sessions went over the gateway, so it has nothing to say to anybody.
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #onLine(line: string): void {
    if (this.#isServing) this.#log.scope('gateway').warn({ line }, 'the WebRTC echo has a problem');
    else this.#lines.push(line);
  }

  #onEnd(reason: string): void {
    if (this.#isServing) this.#log.scope('gateway').warn({ reason }, 'the WebRTC echo has ended');
  }
}
