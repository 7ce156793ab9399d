import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { giveUp } from './prepare.mjs';

/** Scripts of package.json for which npm has left the directory that the user is in. */
const RUN_BY_USERS = ['start', 'call'];
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'];
/** npm repeats a signal that its whole process group has received already. */
const REPEATED_SIGNAL_MS = 200;

/**
 * Runs Node.js with these arguments in the directory that the user is in, so that a file of theirs is found, hands
 * signals on to it, and ends as it does.
 */
export function runInForeground(what, args) {
  const child = spawn(process.execPath, args, { cwd: callerDirectory(), stdio: 'inherit' });
  for (const signal of FORWARDED_SIGNALS) forward(signal, child);
  child.on('error', (error) => giveUp(`${what} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function callerDirectory() {
  return RUN_BY_USERS.includes(process.env.npm_lifecycle_event)
    ? (process.env.INIT_CWD ?? process.cwd())
    : process.cwd();
}

function forward(signal, child) {
  let previousMs = -Infinity;
  process.on(signal, () => {
    // A terminal sends Ctrl-C to the program itself; a second SIGINT would mean "stop now".
    if (signal === 'SIGINT' && process.stdin.isTTY) return;
    const nowMs = performance.now();
    if (nowMs - previousMs > REPEATED_SIGNAL_MS) child.kill(signal);
    previousMs = nowMs;
  });
}
