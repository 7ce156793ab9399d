import { copyFileSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageVersion } from '../../../src/own-files.ts';
import {
  missingTool,
  runCommand,
  type CommandResult,
} from '../../../test/support/child-process.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { exactly, isSo } from '../../support/findings.ts';
import { buildPackage } from '../../support/packages/build-package.ts';
import { missingChroot, type Chroot } from '../../support/packages/chroot.ts';
import { createDebianRoot, missingDebianRoot } from '../../support/packages/debian-root.ts';
import { CONFIG_FILE, servesFrom } from '../../support/packages/packaged-gateway.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const LINTIAN_MS_MAX = 900_000;
const PROGRAM = '/usr/bin/turnpike';
const PACKAGE = '/turnpike.deb';
/** What dpkg itself keeps or writes anew with every package, and who users are. */
const BOOKKEEPING =
  /^(?:var\/(?:lib\/(?:dpkg|systemd)|log|cache)\/|etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-?$)/;

/** The Debian package comes, serves and goes without a trace, on a Debian that has nothing else. */
export const debianPackage: Scenario = {
  name: 'debian-package',
  promise:
    'the Debian package is in order, serves on the smallest Debian, and goes without a trace',
  missing: () =>
    missingChroot() ||
    missingDebianRoot() ||
    missingTool('npm', 'dpkg-deb', 'lintian', 'turnutils_uclient'),
  run: (options) => Cleanup.around((cleanup) => comeAndGo(cleanup, options)),
};

async function comeAndGo(
  cleanup: Cleanup,
  { progress }: ScenarioOptions,
): Promise<readonly Finding[]> {
  progress('building the package');
  await buildPackage('build:deb');
  const file = packageFile();
  progress('reading it with lintian');
  const tags = await lintianTags(file);
  progress('putting a Debian together');
  const root = await createDebianRoot(cleanup);
  copyFileSync(file, root.path(PACKAGE));
  const before = root.paths();
  progress('installing');
  const installed = await root.run(['dpkg', '--install', PACKAGE]);
  const findings = [
    exactly('complaints of lintian', tags.length, 0, { text: tags.join('; ') || '0' }),
    ended('dpkg --install', installed),
    isSo('there is no Node.js', !existsSync(root.path('/usr/bin/node'))),
    ...(await installedFindings(root)),
  ];
  const shipped = readFileSync(root.path(CONFIG_FILE));
  progress('serving');
  const user = await userOf(root, 'turnpike');
  findings.push(...(await servesFrom(cleanup, root, { command: [PROGRAM], user })));
  for (const name of ['tls.crt', 'tls.key']) rmSync(root.path(`/etc/turnpike/${name}`));
  progress('removing');
  findings.push(
    ended('dpkg --remove', await root.run(['dpkg', '--remove', 'turnpike'])),
    isSo('it keeps the configuration and the secret', keepsConfiguration(root, shipped)),
    isSo('the program is gone', !existsSync(root.path(PROGRAM))),
    ended('dpkg --purge', await root.run(['dpkg', '--purge', 'turnpike'])),
  );
  const left = difference(root.paths(), before);
  return [...findings, exactly('paths left', left.length, 0, { text: left.join(' ') || '0' })];
}

function packageFile(): string {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  return join(ROOT, `dist-packages/turnpike_${packageVersion()}_${arch}.deb`);
}

async function lintianTags(file: string): Promise<string[]> {
  const args = ['--tag-display-limit', '0', '--suppress-tags', 'initial-upload-closes-no-bugs'];
  const { exitCode, output } = await runCommand('lintian', [...args, file], LINTIAN_MS_MAX);
  const tags = output.split('\n').filter((line) => /^[EWF]: /.test(line));
  if (exitCode !== 0 && tags.length === 0) throw new Error(output);
  return tags;
}

async function installedFindings(root: Chroot): Promise<Finding[]> {
  const version = await root.run([PROGRAM, '--version']);
  const expected = packageVersion();
  const user = await userOf(root, 'turnpike');
  const check = await root.run([PROGRAM, 'config', 'check', '-c', CONFIG_FILE], { user });
  const secret = statSync(root.path('/etc/turnpike/secret'));
  return [
    isSo(`turnpike --version says ${expected}`, version.output.trim() === expected),
    ended('turnpike config check, as the user of the service', check),
    exactly('rights of the secret, octal', Number((secret.mode & 0o777).toString(8)), 640),
    exactly('bytes of the secret', secret.size, 45),
    isSo('the unit is there', existsSync(root.path('/usr/lib/systemd/system/turnpike.service'))),
    isSo(
      'the page of the manual is there',
      existsSync(root.path('/usr/share/man/man1/turnpike.1.gz')),
    ),
  ];
}

async function userOf(root: Chroot, name: string): Promise<string> {
  const line = (await root.run(['getent', 'passwd', name])).output;
  const [, , user, group] = line.trim().split(':');
  if (user === undefined || group === undefined) throw new Error(`no user ${name}: ${line}`);
  return `${user}:${group}`;
}

/** What was written to the configuration meanwhile is what must have stayed. */
function keepsConfiguration(root: Chroot, shipped: Buffer): boolean {
  const file = root.path(CONFIG_FILE);
  return (
    existsSync(file) &&
    !readFileSync(file).equals(shipped) &&
    existsSync(root.path('/etc/turnpike/secret'))
  );
}

function ended(what: string, { exitCode, output }: CommandResult): Finding {
  const text = exitCode === 0 ? 'exit code 0' : output;
  return { what, figure: text, bound: 'exit code 0', holds: exitCode === 0 };
}

function difference(now: readonly string[], before: readonly string[]): string[] {
  const known = new Set(before);
  return now.filter((path) => !known.has(path) && !BOOKKEEPING.test(path));
}
