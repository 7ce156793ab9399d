import { spawnSync } from 'node:child_process';
import { giveUp } from '../scripts/prepare.mjs';

/** Runs a command to its end and returns what it printed; the build ends when it fails. */
export function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  if (status === 0) return stdout;
  const reason = error?.message ?? `${stdout}${stderr}`.trim();
  return giveUp(`${command} ${args[0] ?? ''} failed: ${reason}`);
}
