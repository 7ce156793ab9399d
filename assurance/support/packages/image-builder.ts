import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingTool, runCommand } from '../../../test/support/child-process.ts';
import type { Owner } from '../../../test/support/owner.ts';
import { Chroot } from './chroot.ts';
import { DEBIAN_RELEASE } from './debian-root.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const STEP_MS_MAX = 1_200_000;
/** Without an engine, without a daemon, and without layers that need a driver of the kernel. */
const STORAGE = ['--storage-driver', 'vfs'];

/** What an image says of itself, as far as it is looked at. */
export interface ImageConfig {
  readonly User: string;
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Healthcheck: { readonly Test: readonly string[] };
}

/** Says why no image can be built; false when one can. */
export function missingImageBuilder(): string | false {
  return missingTool('buildah', 'npm');
}

/** Builds images by buildah, in a store of its own that is gone at the end. */
export class ImageBuilder {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** An empty store. */
  static async create(owner: Owner): Promise<ImageBuilder> {
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-images-'));
    const builder = new ImageBuilder(folder);
    owner.teardown(() => rm(folder, { recursive: true, force: true }));
    owner.teardown(() => builder.#buildah('rm', '--all'));
    return builder;
  }

  /** Puts an image into the store that is nothing but a folder. */
  async addBase(name: string, root: Chroot): Promise<void> {
    const container = await this.#buildah('from', 'scratch');
    await this.#buildah('add', '--quiet', container, root.folder, '/');
    await this.#buildah('commit', '--quiet', '--format', 'docker', container, name);
    await this.#buildah('rm', container);
  }

  /** Builds our Dockerfile with the bases that are in the store. */
  async build(name: string): Promise<void> {
    const bases = ['--pull-never', '--build-arg', `DEBIAN=${DEBIAN_RELEASE}`];
    const how = ['--isolation', 'chroot', '--format', 'docker', '--network', 'host'];
    await this.#buildah('bud', ...how, ...bases, '--tag', name, ROOT);
  }

  /** What the image says. */
  async configOf(name: string): Promise<ImageConfig> {
    const text = await this.#buildah('inspect', '--type', 'image', name);
    return (JSON.parse(text) as { Docker: { config: ImageConfig } }).Docker.config;
  }

  /** The files of an image. */
  async rootOf(name: string): Promise<Chroot> {
    const container = await this.#buildah('from', '--pull-never', name);
    return new Chroot(await this.#buildah('mount', container));
  }

  async #buildah(command: string, ...args: readonly string[]): Promise<string> {
    const store = ['--root', join(this.#folder, 'root'), '--runroot', join(this.#folder, 'run')];
    const all = [...store, ...STORAGE, command, ...args];
    const { exitCode, output } = await runCommand('buildah', all, STEP_MS_MAX);
    if (exitCode !== 0) throw new Error(`buildah ${command}: ${output.slice(-2000)}`);
    return command === 'inspect' ? output : (output.trim().split('\n').at(-1) ?? '');
  }
}

/** Adds what the official image of Node.js has beside Debian: its binary, and npm, set up as it is on this machine. */
export function addNode(root: Chroot, nodeFolder: string, npmFolder: string): void {
  const [binaries, modules] = ['usr/local/bin', 'usr/local/lib/node_modules'];
  for (const folder of [binaries, modules, 'usr/local/etc']) root.makeFolder(folder);
  cpSync(join(nodeFolder, 'bin/node'), root.path(`${binaries}/node`));
  cpSync(npmFolder, root.path(`${modules}/npm`), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', root.path(`${binaries}/npm`));
  const settings = [`registry=${npmSetting('registry')}`];
  const authorities = npmSetting('cafile');
  if (existsSync(authorities)) {
    cpSync(authorities, root.path('usr/local/etc/npm-ca.crt'), { dereference: true });
    settings.push('cafile=/usr/local/etc/npm-ca.crt');
  }
  writeFileSync(root.path('usr/local/etc/npmrc'), `${settings.join('\n')}\n`);
}

function npmSetting(name: string): string {
  return spawnSync('npm', ['config', 'get', name], { encoding: 'utf8' }).stdout.trim();
}
