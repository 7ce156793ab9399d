import { mkdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingTool, runCommand } from '../../../test/support/child-process.ts';
import type { Owner } from '../../../test/support/owner.ts';
import { Chroot } from './chroot.ts';

const DEBOOTSTRAP_MS_MAX = 900_000;
/** The release of Debian that packages are tried on. */
export const DEBIAN_RELEASE = 'bookworm';

/** Says why no Debian can be put together here; false when it can. */
export function missingDebianRoot(): string | false {
  return missingTool('debootstrap');
}

/** The smallest Debian that installs packages, in a folder that is gone at the end. */
export async function createDebianRoot(owner: Owner): Promise<Chroot> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-debian-'));
  owner.teardown(() => rm(folder, { recursive: true, force: true }));
  const root = join(folder, 'root');
  mkdirSync(root);
  const args = ['--variant=minbase', DEBIAN_RELEASE, root];
  const { exitCode, output } = await runCommand('debootstrap', args, DEBOOTSTRAP_MS_MAX);
  if (exitCode !== 0) throw new Error(`debootstrap: ${output.split('\n').slice(-5).join('\n')}`);
  rmSync(join(root, 'var/cache/apt/archives'), { recursive: true, force: true });
  return new Chroot(root);
}
