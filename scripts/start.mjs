// `npm start`: installs and builds what is missing, then runs the gateway in the foreground.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ROOT, buildWhenStale, giveUp, installPackages, requireNode, say } from './prepare.mjs';

const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'];
/** npm repeats a signal that its whole process group has received already. */
const REPEATED_SIGNAL_MS = 200;

requireNode();
installPackages();
buildWhenStale();
runGateway(process.argv.slice(2));

function runGateway(args) {
  // Not with its arguments: a turn:// URI holds a password.
  say('starting the gateway');
  const gateway = spawn(
    process.execPath,
    ['--enable-source-maps', join(ROOT, 'dist/main.js'), 'start', ...args],
    { cwd: callerDirectory(), stdio: 'inherit' },
  );
  for (const signal of FORWARDED_SIGNALS) forward(signal, gateway);
  gateway.on('error', (error) => giveUp(`the gateway could not be started: ${error.message}`));
  gateway.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/** The directory that the user is in, so that `npm start -- -c my.yaml` means that file. */
function callerDirectory() {
  return process.env.npm_lifecycle_event === 'start'
    ? (process.env.INIT_CWD ?? process.cwd())
    : process.cwd();
}

function forward(signal, gateway) {
  let previousMs = -Infinity;
  process.on(signal, () => {
    // A terminal sends Ctrl-C to the gateway itself; a second SIGINT would mean "stop now".
    if (signal === 'SIGINT' && process.stdin.isTTY) return;
    const nowMs = performance.now();
    if (nowMs - previousMs > REPEATED_SIGNAL_MS) gateway.kill(signal);
    previousMs = nowMs;
  });
}
