import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a process can be asked for: functions of one argument, by name. */
export type RemoteApi = Readonly<Record<string, (argument: never) => unknown>>;

/** Answer to one call; `problem` when the function threw. */
type Reply = { readonly result: unknown } | { readonly problem: string };

const LOADER = fileURLToPath(new URL('../../scripts/typescript-loader.mjs', import.meta.url));

/** A script that runs in a process of its own, in another network if need be; stop it with `stop`. */
export class RemoteProcess<Api extends RemoteApi> {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  /**
   * @param script - a file that calls `serveCalls`.
   * @param prefix - what the command line begins with.
   */
  constructor(script: URL, prefix: readonly string[]) {
    const node = [process.execPath, '--import', LOADER, fileURLToPath(script)];
    const [file, ...args] = [...prefix, ...node];
    this.#child = spawn(file!, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#ended = once(this.#child, 'exit').then(() => {
      throw new Error(`${fileURLToPath(script)} ended too early`);
    });
    this.#ended.catch(() => undefined);
  }

  /** Calls a function there, one at a time; throws what it threw. */
  async call<Name extends keyof Api & string>(
    name: Name,
    argument: Parameters<Api[Name]>[0],
  ): Promise<Awaited<ReturnType<Api[Name]>>> {
    const answer = once(this.#child, 'message');
    this.#child.send({ name, argument });
    const [reply] = (await Promise.race([answer, this.#ended])) as [Reply];
    if ('problem' in reply) throw new Error(reply.problem);
    return reply.result as Awaited<ReturnType<Api[Name]>>;
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}

/** Serves the calls of the process that has started this one, and ends with it. */
export function serveCalls(api: RemoteApi): void {
  process.on('message', (message) => void respond(api, message as { name: string }));
  process.on('disconnect', () => process.exit());
}

async function respond(
  api: RemoteApi,
  { name, argument }: { readonly name: string; readonly argument?: unknown },
): Promise<void> {
  let answer: Reply;
  try {
    answer = { result: await api[name]!(argument as never) };
  } catch (error) {
    answer = { problem: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.send!(answer);
}
