import { fileURLToPath } from 'node:url';
import { type ProcessEnd, TestProcess } from './child-process.ts';

const LOADER = new URL('../../scripts/typescript-loader.mjs', import.meta.url).href;
const MAIN = fileURLToPath(new URL('../../examples/one2one-call/main.ts', import.meta.url));

const START_MS_MAX = 60_000;

/** The one-to-one call of `examples`, as its command runs it. */
export interface RunningExample {
  readonly child: TestProcess;
  /** Where the page is. */
  readonly url: string;
}

/**
 * Starts the example and waits until it serves.
 *
 * @param prefix - what the command line begins with, such as what runs it in another network.
 */
export async function startCallExample(
  args: readonly string[],
  prefix: readonly string[] = [],
): Promise<RunningExample> {
  const [command = '', ...rest] = [...prefix, process.execPath, '--import', LOADER, MAIN, ...args];
  const child = new TestProcess(command, rest);
  try {
    const line = await child.waitForLine((each) => each.startsWith('Open '), START_MS_MAX);
    return { child, url: line.split(' ')[1]! };
  } catch (error) {
    await stopCallExample({ child });
    throw error;
  }
}

/** Has the example end all that it has started, which it needs time for. */
export function stopCallExample({ child }: Pick<RunningExample, 'child'>): Promise<ProcessEnd> {
  child.signal('SIGTERM');
  return child.ended;
}
