import { spawn, spawnSync, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import type { Command } from '../servers/server.ts';

const KILL_AFTER_MS = 3000;

/** True when processes can be kept on processors of their own. */
export const isPinning =
  availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts a command on some processors alone, where that can be had.
 *
 * Its process id is the command's own, and it does not outlive this process.
 *
 * @param processors - as a list of taskset(1).
 * @param prefix - what runs it in another network, as `BenchNetwork` has it.
 */
export function spawnPinned(
  command: Command,
  processors: string,
  prefix: readonly string[],
  stdio: StdioOptions,
): ChildProcess {
  const pin = isPinning ? ['taskset', '--cpu-list', processors] : [];
  const [file, ...args] = [...prefix, ...pin, command.file, ...command.args];
  // In a group of its own: Ctrl-C at the terminal is for this process, which then ends the others.
  const child = spawn(file!, args, { stdio, detached: true });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
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
