import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { missingTool } from './support/child-process.ts';
import { readRepositoryFile } from './support/tidy/repository.ts';

/** The parts of package-lock.json and package.json that are looked at. */
interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}
interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
}
interface Sbom {
  readonly bomFormat: string;
  readonly components: readonly {
    readonly name: string;
    readonly group?: string;
    readonly version: string;
    readonly purl: string;
    readonly hashes?: readonly unknown[];
  }[];
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What npm runs by itself when somebody installs or packs a package. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];
/** It would compile where no prebuilt binary came along; with `--ignore-scripts` the one that came is used. */
const MAY_HAVE_INSTALL_SCRIPT = ['koffi'];

const manifest = JSON.parse(readRepositoryFile('package.json')) as Manifest;
const locked = lockedPackages().filter(({ dev }) => dev !== true);

t.test('nothing runs when the product is installed', (t) => {
  const own = INSTALL_SCRIPTS.filter((script) => script in manifest.scripts);
  t.same(own, [], 'package.json has no install script');
  const others = locked.filter(({ hasInstallScript }) => hasInstallScript === true);
  t.same(
    others.map(({ name }) => name),
    MAY_HAVE_INSTALL_SCRIPT,
    'nor has what it needs, but one',
  );
  const binary = `@koromix/koffi-${process.platform}-${process.arch}`;
  const isThere = locked.some(({ name }) => name === binary);
  const require = createRequire(import.meta.url);
  if (isThere) t.doesNotThrow(() => require.resolve(`${binary}/package.json`), 'it is prebuilt');
  t.end();
});

t.test('versions are exact, and their contents known', (t) => {
  for (const [name, version] of Object.entries({
    ...manifest.dependencies,
    ...manifest.devDependencies,
  })) {
    if (!/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version)) t.fail(`${name} ${version} is a range`);
  }
  t.same(
    locked.filter(({ integrity }) => integrity?.startsWith('sha512-') !== true),
    [],
  );
  t.ok(locked.length > Object.keys(manifest.dependencies).length, `${locked.length} packages`);
  t.end();
});

t.test('the bill of materials', { skip: missingTool('npm') }, (t) => {
  const { stdout } = spawnSync('npm', ['run', '--silent', 'sbom'], { cwd: ROOT, encoding: 'utf8' });
  const { bomFormat, components } = JSON.parse(stdout) as Sbom;
  t.equal(bomFormat, 'CycloneDX');
  const listed = new Set(
    components.map(({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`),
  );
  const direct = Object.entries(manifest.dependencies).map(
    ([name, version]) => `${name}@${version}`,
  );
  t.same(
    direct.filter((each) => !listed.has(each)),
    [],
    'every dependency of package.json',
  );
  const needed = locked.filter(({ optional }) => optional !== true);
  const indirect = needed.map(({ name, version }) => `${name}@${version}`);
  t.same(
    indirect.filter((each) => !listed.has(each)),
    [],
    'and what those need',
  );
  const vague = components.filter(({ purl, hashes = [] }) => !purl || hashes.length === 0);
  t.same(vague, [], 'each with its address and its hash');
  const development = Object.entries(manifest.devDependencies)
    .map(([name, version]) => `${name}@${version}`)
    .filter((each) => listed.has(each));
  t.same(development, [], 'nothing that only development needs');
  t.end();
});

function lockedPackages(): (LockedPackage & { readonly name: string })[] {
  const { packages } = JSON.parse(readRepositoryFile('package-lock.json')) as {
    packages: Readonly<Record<string, LockedPackage>>;
  };
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, value]) => ({ ...value, name: path.replace(/^.*node_modules\//, '') }));
}
