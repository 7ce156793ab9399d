// `npm run build:binary [-- --arch x64|arm64]`: the gateway, its packages and Node.js in one executable file.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { inject } from 'postject';
import { ROOT, giveUp, installPackages, requireNode, say } from '../../scripts/prepare.mjs';
import { run } from '../run.mjs';
import { PRETENDED_ROOT, bundle } from './bundle.mjs';
import { notices } from './notices.mjs';
import { npmPackage } from './npm-package.mjs';

const OUTPUT = join(ROOT, 'dist-packages');
const CACHE = join(OUTPUT, 'cache');
const ARCHITECTURES = ['x64', 'arm64'];
/** Files that are served by HTTP, as paths from the root of the repository. */
const SERVED =
  /^(?:node_modules\/@fastify\/swagger-ui\/static|dist\/http\/\w+\/pages)\/(?!.*\.(?:map|d\.ts)$)/;
/** Node.js looks for its script where this stands in its file. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

requireNode();
const { arch } = parseArgs({ options: { arch: { type: 'string', default: process.arch } } }).values;
if (!ARCHITECTURES.includes(arch)) giveUp(`--arch is one of ${ARCHITECTURES.join(', ')}`);
installPackages();
await buildBinary(join(OUTPUT, `turnpike-linux-${arch}`));

async function buildBinary(executable) {
  run('npm', ['run', '--silent', 'build'], { cwd: ROOT });
  say('bundling …');
  const main = await bundle('src/main.ts');
  const worker = await bundle('src/relay-worker.ts');
  const folder = join(OUTPUT, 'binary');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const runtime = nodeRuntime(arch);
  writeFileSync(join(folder, 'main.js'), main.script);
  writeFileSync(join(folder, 'relay-worker.js'), worker.script);
  writeFileSync(join(folder, 'version'), ownVersion());
  const license = readFileSync(join(runtime, 'LICENSE'), 'utf8');
  writeFileSync(
    join(OUTPUT, 'THIRD-PARTY-LICENSES.txt'),
    notices(license, [...main.inputs, ...worker.inputs]),
  );
  const blob = prepareBlob(folder);
  cpSync(join(runtime, 'bin/node'), executable);
  strip(executable);
  say('putting it into one file …');
  await inject(executable, 'NODE_SEA_BLOB', readFileSync(blob), { sentinelFuse: FUSE });
  tryOut(executable);
  say(`${executable} is ready, ${Math.round(statSync(executable).size / 1e6)} MB`);
}

/** Everything that the executable carries beside Node.js, as Node.js wants it. */
function prepareBlob(folder) {
  const names = servedFiles().map((file) => [join(PRETENDED_ROOT, file), join(ROOT, file)]);
  writeFileSync(join(folder, 'files.json'), JSON.stringify(names.map(([name]) => name)));
  const own = ['relay-worker.js', 'version', 'files.json'].map((name) => [name, name]);
  // Traces of errors name the script as it is written here.
  const options = {
    main: 'main.js',
    output: 'turnpike.blob',
    disableExperimentalSEAWarning: true,
    assets: Object.fromEntries([...own, ['koffi.node', nativeLibrary()], ...names]),
  };
  writeFileSync(join(folder, 'sea-config.json'), JSON.stringify(options, undefined, 2));
  // It has to be made by the version of Node.js that reads it, on whatever processor.
  const node = join(nodeRuntime(process.arch), 'bin/node');
  run(node, ['--experimental-sea-config', 'sea-config.json'], { cwd: folder });
  return join(folder, options.output);
}

function servedFiles() {
  return ['node_modules/@fastify/swagger-ui/static', 'dist/http'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
      .filter((file) => SERVED.test(file)),
  );
}

function nodeRuntime(architecture) {
  const file = new URL('node-runtime.json', import.meta.url);
  const { version, integrity } = JSON.parse(readFileSync(file, 'utf8'));
  return npmPackage(CACHE, `node-linux-${architecture}`, version, integrity[architecture]);
}

function nativeLibrary() {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const name = `@koromix/koffi-linux-${arch}`;
  const { version, integrity } = packages[`node_modules/${name}`];
  return join(npmPackage(CACHE, name, version, integrity), `linux_${arch}/koffi.node`);
}

function ownVersion() {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version;
}

/** Names for debuggers are a fifth of the file; what koffi looks up by name stays. */
function strip(executable) {
  const { status } = spawnSync(arch === process.arch ? 'strip' : `${gnuName()}-strip`, [
    executable,
  ]);
  if (status !== 0) say('without strip (Debian package binutils) the file keeps its symbols');
}

function gnuName() {
  return arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
}

function tryOut(executable) {
  if (arch !== process.arch || process.platform !== 'linux') return;
  const printed = run(executable, ['--version']).trim();
  if (printed !== ownVersion()) giveUp(`${executable} --version prints ${printed}`);
}
