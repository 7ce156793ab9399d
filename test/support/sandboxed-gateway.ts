import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { missingTool, TestProcess } from './child-process.ts';
import { isReadyLine, MAIN, type ConfigurationData } from './gateway-process.ts';
import type { Owner } from './owner.ts';

/** The user and group that own nothing. */
export const NOBODY = 65_534;

const NODE = process.execPath;
const SANDBOX =
  `setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups --no-new-privs ` +
  '--bounding-set=-all --inh-caps=-all --ambient-caps=-all';
/** Every mount becomes read-only, in a namespace that ends with the process. */
const READ_ONLY = [
  'mount --make-rprivate /',
  `awk '{ print $5 }' /proc/self/mountinfo | sort -u | while read -r place; do`,
  'mount -o remount,bind,ro "$place" 2> /dev/null; done',
  'for folder in /tmp /var/tmp /var/lib; do',
  'if touch "$folder/turnpike-can-write" 2> /dev/null; then exit 9; fi; done',
].join('\n');

/** Says why nothing can be confined here; false when it can. */
export function missingSandbox(): string | false {
  const missing = missingTool('unshare', 'setpriv', 'mount', 'awk');
  if (missing !== false) return missing;
  if (process.getuid?.() !== 0) return 'needs root';
  const { status } = spawnSync('unshare', ['--mount', 'true']);
  if (status !== 0) return 'mount namespaces are not allowed';
  const readable = spawnSync('sh', ['-c', `${SANDBOX} test -r "$1" -a -x "$2"`, 'sh', MAIN, NODE]);
  return readable.status !== 0 && 'an unprivileged user cannot read this folder';
}

/**
 * Starts a gateway as a container or unit would: an unprivileged user, no capability, nothing that can be written;
 * resolves when it serves.
 */
export async function startSandboxed(
  owner: Owner,
  configuration: ConfigurationData,
  flags: readonly string[],
): Promise<TestProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-'));
  owner.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'turnpike.yaml');
  await writeFile(file, stringify(configuration));
  await chmod(folder, 0o755);
  const script = `set -e\n${READ_ONLY}\nexec ${SANDBOX} "$@"`;
  const gateway = [NODE, MAIN, 'start', '-c', file, ...flags];
  const child = new TestProcess('unshare', ['--mount', 'sh', '-c', script, 'sh', ...gateway]);
  owner.teardown(() => child.stop());
  await child.waitForLine(isReadyLine);
  return child;
}

/** What the kernel says of a process, by the names of /proc/PID/status. */
export async function statusOf(pid: number): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return new Map(
    text.split('\n').map((line) => {
      const [name = '', value = ''] = line.split(':\t');
      return [name, value.replaceAll('\t', ' ')];
    }),
  );
}
