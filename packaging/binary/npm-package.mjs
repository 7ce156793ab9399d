import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { giveUp, say } from '../../scripts/prepare.mjs';
import { run } from '../run.mjs';

/**
 * A package of the registry that npm is set up for, unpacked; nothing of it is run.
 *
 * @param integrity - what npm knows its contents by; another one is refused.
 * @returns its folder below `cache`.
 */
export function npmPackage(cache, name, version, integrity) {
  const folder = join(cache, `${name.replace(/^@.*\//, '')}-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  say(`fetching ${name} ${version} …`);
  const archive = pack(cache, `${name}@${version}`);
  verify(archive, integrity);
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part);
  run('tar', ['-xzf', archive, '-C', part, '--strip-components=1', '--no-same-owner']);
  rmSync(archive);
  renameSync(part, folder);
  return folder;
}

function pack(cache, specifier) {
  const args = ['pack', specifier, '--pack-destination', cache, '--ignore-scripts', '--silent'];
  const { status, stdout } = spawnSync('npm', args, { encoding: 'utf8', cwd: cache });
  if (status !== 0) giveUp(`${specifier} cannot be fetched: npm pack ended with ${status}`);
  return join(cache, stdout.trim().split('\n').at(-1));
}

function verify(archive, integrity) {
  const [algorithm, expected] = integrity.split(/-(.*)/s);
  const actual = createHash(algorithm).update(readFileSync(archive)).digest('base64');
  if (actual === expected) return;
  rmSync(archive);
  giveUp(`${archive} is not what is expected: its ${algorithm} is ${actual}, not ${expected}`);
}
