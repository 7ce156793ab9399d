import { fileURLToPath } from 'node:url';
import { runCommand } from '../../../test/support/child-process.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const BUILD_MS_MAX = 900_000;

/** Runs a script of `package.json` that builds a package into `dist-packages`; throws Error with what it printed. */
export async function buildPackage(script: 'build:binary' | 'build:deb'): Promise<void> {
  const args = ['--prefix', ROOT, 'run', '--silent', script];
  const { exitCode, output } = await runCommand('npm', args, BUILD_MS_MAX);
  if (exitCode !== 0) throw new Error(output);
}
