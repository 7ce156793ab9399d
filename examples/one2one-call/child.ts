import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

const LINES_KEPT = 20;
const STOP_MS_MAX = 3000;
/** Where Debian has nginx and HAProxy, which not every user's PATH names. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;

/** A program that runs beside this one, whose last words are kept in case that it fails. */
export class Child {
  /** Resolves once it has ended, or could not be started. */
  readonly ended: Promise<void>;
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #lines: string[] = [];
  #isAlive = true;

  /** Starts a program, which gets no signal that a terminal sends to this one. */
  constructor(command: string, args: readonly string[]) {
    this.#name = command.split('/').at(-1)!;
    this.#process = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, PATH },
    });
    for (const output of [this.#process.stdout!, this.#process.stderr!]) {
      createInterface(output).on('line', (line) => this.#keep(line));
    }
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#isAlive = false;
        resolve();
      };
      this.#process.once('close', end);
      this.#process.once('error', (error) => {
        this.#keep(error.message);
        end();
      });
    });
  }

  /** False once it has ended. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** What it has said last, for people. */
  get lastWords(): string {
    return `${this.#name} has ended:\n${this.#lines.join('\n')}`;
  }

  /** Ends it, by force when it does not obey. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS_MAX);
    this.#process.kill('SIGTERM');
    await this.ended;
    clearTimeout(timer);
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
  }
}
