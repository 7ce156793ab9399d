import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingTool } from '../../../test/support/child-process.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { atMost, exactly, isSo } from '../../support/findings.ts';
import { buildPackage } from '../../support/packages/build-package.ts';
import { missingChroot, type Chroot } from '../../support/packages/chroot.ts';
import {
  createDebianRoot,
  DEBIAN_RELEASE,
  missingDebianRoot,
} from '../../support/packages/debian-root.ts';
import {
  addNode,
  ImageBuilder,
  missingImageBuilder,
  type ImageConfig,
} from '../../support/packages/image-builder.ts';
import { servesFrom } from '../../support/packages/packaged-gateway.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const IMAGE = 'localhost/turnpike';
const PROGRAM_MEGABYTES_MAX = 200;

/** The container image is built as the Dockerfile says, and serves as its user on a read-only root. */
export const container: Scenario = {
  name: 'container',
  promise:
    'the image is built by its Dockerfile and serves as its user, on a root that is read-only',
  missing: () =>
    missingChroot() ||
    missingDebianRoot() ||
    missingImageBuilder() ||
    missingTool('turnutils_uclient'),
  run: (options) => Cleanup.around((cleanup) => buildAndServe(cleanup, options)),
};

async function buildAndServe(
  cleanup: Cleanup,
  { progress }: ScenarioOptions,
): Promise<readonly Finding[]> {
  const builder = await ImageBuilder.create(cleanup);
  await prepareBases(cleanup, builder, progress);
  progress('building the image');
  await builder.build(IMAGE);
  const config = await builder.configOf(IMAGE);
  const root = await builder.rootOf(IMAGE);
  progress('serving');
  return [
    ...configFindings(config),
    ...contentFindings(root),
    ...(await servesFrom(cleanup, root, {
      command: config.Entrypoint,
      user: config.User,
      isReadOnly: true,
    })),
  ];
}

/** Stand in for the official images, which are Debian and Node.js as well, but cannot be had without a registry. */
async function prepareBases(
  cleanup: Cleanup,
  builder: ImageBuilder,
  progress: (line: string) => void,
): Promise<void> {
  progress('fetching Node.js');
  await buildPackage('build:binary');
  progress('putting a Debian together');
  const root = await createDebianRoot(cleanup);
  await builder.addBase(`docker.io/library/debian:${DEBIAN_RELEASE}-slim`, root);
  const { version } = JSON.parse(
    readFileSync(join(ROOT, 'packaging/binary/node-runtime.json'), 'utf8'),
  ) as { version: string };
  const node = join(ROOT, `dist-packages/cache/node-linux-${process.arch}-${version}`);
  addNode(root, node, npmFolder());
  const [major] = version.split('.');
  await builder.addBase(`docker.io/library/node:${major}-${DEBIAN_RELEASE}-slim`, root);
}

function npmFolder(): string {
  const { stdout } = spawnSync('npm', ['root', '--global'], { encoding: 'utf8' });
  return join(stdout.trim(), 'npm');
}

function configFindings({ Entrypoint, Cmd, User, Healthcheck }: ImageConfig): Finding[] {
  return [
    isSo(`its user ${User} is not root`, /^[1-9]\d*:[1-9]\d*$/.test(User)),
    isSo('what it starts needs no shell', Entrypoint[0]?.endsWith('/node') === true),
    isSo('it starts the gateway', Cmd[0] === 'start'),
    isSo('it has a health check that needs no shell', Healthcheck.Test[0] === 'CMD'),
  ];
}

function contentFindings(root: Chroot): Finding[] {
  const modules = root.path('opt/turnpike/node_modules');
  const tools = ['typescript', 'tap', 'esbuild', 'prettier'];
  const found = tools.filter((name) => existsSync(join(modules, name)));
  const optional = ['acme-client', 'werift'].filter((name) => !existsSync(join(modules, name)));
  const { stdout } = spawnSync('du', ['--summarize', '--bytes', root.path('opt/turnpike')], {
    encoding: 'utf8',
  });
  const megabytes = Math.round(Number(stdout.split('\t')[0]) / 1e6);
  return [
    exactly('packages that only development needs', found.length, 0),
    exactly('optional packages that are missing', optional.length, 0),
    isSo('there is no npm', !existsSync(root.path('usr/local/bin/npm'))),
    atMost('the gateway and its packages', megabytes, PROGRAM_MEGABYTES_MAX, 'MB'),
  ];
}
