import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the repository. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const NODE_MINIMUM = [20, 19];
const INSTALL = [
  '--ignore-scripts',
  '--include=dev',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
];

/** Prints one line of progress. */
export function say(text) {
  process.stdout.write(`turnpike: ${text}\n`);
}

/** Prints why it cannot go on and what to do about it, and exits 1. */
export function giveUp(hint) {
  process.stderr.write(`turnpike: ${hint}\n`);
  process.exit(1);
}

/** Exits 1 on a Node too old to run the product. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [wantedMajor, wantedMinor] = NODE_MINIMUM;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  giveUp(
    `Node ${process.versions.node} is too old; Turnpike needs ${NODE_MINIMUM.join('.')} or newer (https://nodejs.org).`,
  );
}

/** Installs the packages that package-lock.json names, unless node_modules has them all. */
export function installPackages() {
  if (packagesAreInstalled()) return;
  say('installing packages (npm ci) …');
  if (run('npm', ['ci', ...INSTALL], 'pipe')) return;
  // `npm ci` insists that the lock file names the optional packages of every platform, `npm install` does not.
  say('npm ci refused, installing with npm install …');
  if (run('npm', ['install', '--no-save', ...INSTALL], 'inherit')) return;
  giveUp(
    'the packages could not be installed; check the network, then run `npm ci --ignore-scripts`.',
  );
}

/** Compiles src/ into dist/ unless dist/ is newer than every source. */
export function buildWhenStale() {
  if (buildIsFresh()) return;
  say('building (npm run build) …');
  if (run('npm', ['run', '--silent', 'build', '--', '--noEmitOnError'], 'inherit')) return;
  giveUp('the build failed; the compiler has said where, and `npm run build` says it again.');
}

function run(command, args, stdio) {
  return spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', stdio, stdio] }).status === 0;
}

function packagesAreInstalled() {
  const installed = lockedPackages('node_modules/.package-lock.json');
  if (installed === undefined) return false;
  return Object.entries(lockedPackages('package-lock.json') ?? {}).every(([path, wanted]) =>
    path === '' || (wanted.optional && installed[path] === undefined)
      ? true
      : installed[path]?.version === wanted.version && existsSync(join(ROOT, path)),
  );
}

function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(join(ROOT, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function buildIsFresh() {
  const built = modifiedMs(join(ROOT, 'dist/main.js'));
  const inputs = ['src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
  return built > Math.max(...inputs.map((input) => newestMs(join(ROOT, input))));
}

function newestMs(path) {
  const own = modifiedMs(path);
  if (own === 0 || !statSync(path).isDirectory()) return own;
  return Math.max(own, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}

function modifiedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
