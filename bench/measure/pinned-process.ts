import { spawn, spawnSync, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import type { Command } from '../servers/server.ts';

const KILL_AFTER_MS = 3000;

/** True when processes can be kept on one processor each. */
export const isPinning =
  availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

/** Starts a command, on one processor alone where that can be had; its process id is the command's own. */
export function spawnPinned(
  command: Command,
  processor: number,
  stdio: StdioOptions,
): ChildProcess {
  const { file, args } = command;
  return isPinning
    ? spawn('taskset', ['--cpu-list', String(processor), file, ...args], { stdio })
    : spawn(file, args, { stdio });
}

/** Ends a process and waits until it is gone. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill();
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  await exit;
  clearTimeout(timer);
}
