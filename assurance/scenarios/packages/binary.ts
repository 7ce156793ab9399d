import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { missingTool } from '../../../test/support/child-process.ts';
import { NOBODY } from '../../../test/support/sandboxed-gateway.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { exactly, isSo } from '../../support/findings.ts';
import { buildPackage } from '../../support/packages/build-package.ts';
import { Chroot, missingChroot } from '../../support/packages/chroot.ts';
import { CONFIG_FILE, servesFrom } from '../../support/packages/packaged-gateway.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PROGRAM = '/usr/bin/turnpike';
const USER = `${NOBODY}:${NOBODY}`;

/** The single executable serves where there is a C library and nothing else. */
export const binary: Scenario = {
  name: 'binary',
  promise: 'the single executable serves where there is nothing but the C and C++ libraries',
  missing: () => missingChroot() || missingTool('npm', 'ldd', 'turnutils_uclient'),
  run: (options) => Cleanup.around((cleanup) => runAlone(cleanup, options)),
};

async function runAlone(
  cleanup: Cleanup,
  { progress }: ScenarioOptions,
): Promise<readonly Finding[]> {
  progress('building');
  await buildPackage('build:binary');
  const chroot = await Chroot.create(cleanup);
  chroot.addProgram(`${ROOT}/dist-packages/turnpike-linux-${process.arch}`, PROGRAM);
  progress('serving');
  return [
    isSo('there is no Node.js and no shell', !hasAny(chroot, ['node', 'sh', 'bash'])),
    ...(await commandFindings(chroot)),
    ...(await servesFrom(cleanup, chroot, {
      command: [PROGRAM],
      user: USER,
      isReadOnly: true,
      writable: ['tmp'],
    })),
    await withoutTemporaryFolder(cleanup, chroot),
  ];
}

function hasAny(chroot: Chroot, names: readonly string[]): boolean {
  const folders = ['bin', 'usr/bin', 'usr/local/bin'];
  return folders.some((folder) =>
    names.some((name) => existsSync(chroot.path(`${folder}/${name}`))),
  );
}

async function commandFindings(chroot: Chroot): Promise<Finding[]> {
  const commands = [['--version'], ['--help'], ['config', 'schema'], ['config', 'check']];
  const results = await Promise.all(commands.map((args) => chroot.run([PROGRAM, ...args])));
  return commands.map((args, index) =>
    exactly(`exit code of ${args.join(' ')}`, results[index]!.exitCode ?? -1, 0),
  );
}

/** Where nothing can be written the native library cannot be loaded: it has to say so and go on without. */
async function withoutTemporaryFolder(cleanup: Cleanup, chroot: Chroot): Promise<Finding> {
  const admin = { healthcheck_endpoint: '', api_endpoint: '' };
  writeFileSync(
    chroot.path(CONFIG_FILE),
    stringify({ version: 'v1', admin, auth: { type: 'none' } }),
  );
  const command = [PROGRAM, 'start', '-c', CONFIG_FILE];
  const gateway = chroot.start(cleanup, command, { user: USER, isReadOnly: true });
  const line = await gateway.waitForLine((each) => each.includes('running in portable mode'));
  const what = 'where nothing can be written it says so and runs in portable mode';
  return isSo(what, line.includes('no folder to load the native library from'));
}
