import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  missingTool,
  runCommand,
  TestProcess,
  type CommandResult,
} from '../../../test/support/child-process.ts';
import type { Owner } from '../../../test/support/owner.ts';

const COMMAND_MS_MAX = 300_000;
/** What this machine has set up is not there. */
const CLEAN_ENVIRONMENT = ['-i', 'HOME=/', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'];

/** How a command runs in a folder. */
export interface ChrootOptions {
  /** `user:group` as numbers; root unless given. */
  readonly user?: string;
  /** Nothing below the folder can be written but `writable`. */
  readonly isReadOnly?: boolean;
  /** Paths in the folder that are empty and can be written, in memory. */
  readonly writable?: readonly string[];
}

/** Says why no command can have a folder as its root; false when it can. */
export function missingChroot(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  return missingTool('unshare', 'mount', 'chroot', 'setpriv');
}

/** A folder that commands have as their root; it is in the network of this machine. */
export class Chroot {
  /** Where it is on this machine. */
  readonly folder: string;

  /** @param folder - which somebody else removes. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** An empty folder with the directories that every system has; it is gone at the end. */
  static async create(owner: Owner): Promise<Chroot> {
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-chroot-'));
    owner.teardown(() => rm(folder, { recursive: true, force: true }));
    spawnSync('chmod', ['755', folder]);
    const chroot = new Chroot(folder);
    for (const each of ['proc', 'tmp', 'etc', 'usr/bin']) chroot.makeFolder(each);
    spawnSync('chmod', ['1777', chroot.path('tmp')]);
    return chroot;
  }

  /** Where a path in it is on this machine. */
  path(inside: string): string {
    return join(this.folder, inside);
  }

  /** Makes a folder in it, and those above. */
  makeFolder(inside: string): void {
    mkdirSync(this.path(inside), { recursive: true });
  }

  /** Copies a program into it with the libraries that it is linked with, and nothing else. */
  addProgram(file: string, inside: string): void {
    const { stdout } = spawnSync('ldd', [file], { encoding: 'utf8' });
    const libraries = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path!);
    for (const [from, to] of [[file, inside], ...libraries.map((path) => [path, path])]) {
      mkdirSync(dirname(this.path(to!)), { recursive: true });
      if (!existsSync(this.path(to!))) copyFileSync(from!, this.path(to!));
    }
  }

  /** Every path in it but those of the kernel, sorted; links are not followed. */
  paths(): string[] {
    return readdirSync(this.folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => !/^(?:proc|dev|sys)\//.test(path))
      .toSorted();
  }

  /** Runs a command to its end. */
  run(command: readonly string[], options?: ChrootOptions): Promise<CommandResult> {
    return runCommand('env', this.#arguments(command, options), COMMAND_MS_MAX);
  }

  /** Starts a command, which ends with its owner. */
  start(owner: Owner, command: readonly string[], options?: ChrootOptions): TestProcess {
    const child = new TestProcess('env', this.#arguments(command, options));
    owner.teardown(() => child.stop());
    return child;
  }

  /** Mounts are seen by the command alone, and go with it. */
  #arguments(command: readonly string[], options: ChrootOptions = {}): string[] {
    const { user = '0:0', isReadOnly = false, writable = [] } = options;
    const script = [
      'set -e',
      'mount --make-rprivate /',
      'mount --bind "$0" "$0"',
      'mount -t proc proc "$0/proc"',
      isReadOnly ? 'mount -o remount,bind,ro "$0"' : '',
      ...writable.map((path) => `mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$0/${path}"`),
      `cd "$0" && exec setpriv --no-new-privs chroot --userspec=${user} "$0" "$@"`,
    ].join('\n');
    return [
      ...CLEAN_ENVIRONMENT,
      'unshare',
      '--mount',
      'sh',
      '-c',
      script,
      this.folder,
      ...command,
    ];
  }
}
