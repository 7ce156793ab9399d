// `npm run build:deb [-- --arch x64|arm64]`: a Debian package of the single executable.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { ROOT, giveUp, requireNode, say } from '../../scripts/prepare.mjs';
import { run } from '../run.mjs';
import { changelog, control, copyright, unit } from './texts.mjs';

const OUTPUT = join(ROOT, 'dist-packages');
const DEBIAN_NAMES = { x64: 'amd64', arm64: 'arm64' };
const GZIP_BEST = 9;

requireNode();
const { arch } = parseArgs({ options: { arch: { type: 'string', default: process.arch } } }).values;
const debianArch = DEBIAN_NAMES[arch];
if (debianArch === undefined) giveUp(`--arch is one of ${Object.keys(DEBIAN_NAMES).join(', ')}`);
const tree = join(OUTPUT, `debian-${debianArch}`);
const modifiedAt = sourceTime();
buildPackage();

function buildPackage() {
  run('npm', ['run', '--silent', 'build:binary', '--', '--arch', arch], {
    stdio: 'inherit',
    cwd: ROOT,
  });
  rmSync(tree, { recursive: true, force: true });
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  putProgram();
  putService();
  putDocuments(version);
  putControl(version);
  settleTree(tree);
  const file = join(OUTPUT, `turnpike_${version}_${debianArch}.deb`);
  say('building the package …');
  run('dpkg-deb', ['--root-owner-group', '-Zxz', '-z3', '--build', tree, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: `${modifiedAt}` },
  });
  say(`${file} is ready, ${Math.round(statSync(file).size / 1e6)} MB`);
}

function putProgram() {
  const executable = join(OUTPUT, `turnpike-linux-${arch}`);
  put('usr/bin/turnpike', readFileSync(executable), 0o755);
  // Of another processor it cannot be asked, and what it says does not depend on that.
  const main =
    arch === process.arch ? [executable] : [process.execPath, join(ROOT, 'dist/main.js')];
  const completion = run(main[0], [...main.slice(1), 'completion', 'bash']);
  put('usr/share/bash-completion/completions/turnpike', completion);
}

function putService() {
  put('usr/lib/systemd/system/turnpike.service', unit(readSource('../systemd/turnpike.service')));
  put('usr/lib/sysusers.d/turnpike.conf', readSource('../systemd/turnpike.sysusers'));
  put('etc/turnpike/turnpike.yaml', readSource('turnpike.yaml'));
}

function putDocuments(version) {
  const documents = 'usr/share/doc/turnpike';
  const notices = readFileSync(join(OUTPUT, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  put(`${documents}/copyright`, copyright(readSource('../../LICENSE')));
  put(`${documents}/third-party-notices.gz`, zip(notices));
  put(`${documents}/changelog.gz`, zip(changelog(version, modifiedAt)));
  for (const name of ['turnpike.example.yaml', 'tls.example.yaml', 'turnpike.schema.json']) {
    put(`${documents}/examples/${name}`, readFileSync(join(ROOT, 'config', name)));
  }
  put('usr/share/man/man1/turnpike.1.gz', zip(readSource('turnpike.1')));
  put('usr/share/lintian/overrides/turnpike', readSource('lintian-overrides'));
}

function putControl(version) {
  const paths = filesBelow(tree);
  const kibibytes = paths.reduce((sum, path) => sum + Math.ceil(statSync(path).size / 1024), 0);
  const sums = paths
    .map((path) => relative(tree, path))
    .filter((path) => !path.startsWith('etc/'))
    .map((path) => `${digest(join(tree, path))}  ${path}\n`);
  put('DEBIAN/md5sums', sums.join(''));
  put('DEBIAN/control', control({ version, debianArch, kibibytes }));
  put('DEBIAN/conffiles', '/etc/turnpike/turnpike.yaml\n');
  for (const script of ['postinst', 'prerm', 'postrm']) {
    put(`DEBIAN/${script}`, readSource(script), 0o755);
  }
}

function put(path, content, mode = 0o644) {
  const file = join(tree, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
}

/** The same source makes the same package: rights and times are not those of this machine. */
function settleTree(folder) {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) settleTree(path);
    utimesSync(path, modifiedAt, modifiedAt);
  }
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .toSorted();
}

/** Unix seconds of the last commit, or as the environment says. */
function sourceTime() {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined) return Number(given);
  const { stdout } = spawnSync('git', ['log', '-1', '--format=%ct'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return Number(stdout?.trim() || Math.floor(Date.now() / 1000));
}

function readSource(name) {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

function zip(text) {
  return gzipSync(text, { level: GZIP_BEST });
}

function digest(path) {
  return createHash('md5').update(readFileSync(path)).digest('hex');
}
