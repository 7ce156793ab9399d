import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describeMachine } from '../bench/measure/machine.ts';
import type { Options } from './options.ts';
import type { Result } from './result.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Writes results as JSON, with all that it takes to repeat them: the commit, the machine, scale and seed. */
export async function writeReport(
  file: string,
  { scale, seed }: Options,
  results: readonly Result[],
): Promise<void> {
  const report = {
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    machine: describeMachine(),
    scale,
    seed,
    results,
  };
  await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
}

/** What `git rev-parse HEAD` says, and whether files differ from it; undefined outside of a clone. */
function commit(): { readonly id: string; readonly isChanged: boolean } | undefined {
  const head = git('rev-parse', 'HEAD');
  if (head === undefined) return undefined;
  return { id: head, isChanged: git('status', '--porcelain') !== '' };
}

function git(...args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
