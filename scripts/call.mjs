// `npm run call`: installs and builds what is missing, then runs the one-to-one video call in the foreground.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInForeground } from './foreground.mjs';
import { ROOT, buildWhenStale, installPackages, requireNode, say } from './prepare.mjs';

requireNode();
installPackages();
buildWhenStale();
say('starting the gateway, a media server and the application server');
const loader = pathToFileURL(join(ROOT, 'scripts/typescript-loader.mjs')).href;
const program = [join(ROOT, 'examples/one2one-call/main.ts'), ...process.argv.slice(2)];
runInForeground('the example', ['--import', loader, ...program]);
