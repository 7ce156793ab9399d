// `npm start`: installs and builds what is missing, then runs the gateway in the foreground.
import { join } from 'node:path';
import { runInForeground } from './foreground.mjs';
import { ROOT, buildWhenStale, installPackages, requireNode, say } from './prepare.mjs';

requireNode();
installPackages();
buildWhenStale();
// Not with its arguments: a turn:// URI holds a password.
say('starting the gateway');
const program = [join(ROOT, 'dist/main.js'), 'start', ...process.argv.slice(2)];
runInForeground('the gateway', ['--enable-source-maps', ...program]);
