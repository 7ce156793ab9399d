import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { missingTool, runCommand } from '../support/child-process.ts';
import { MAIN, missingBuild } from '../support/gateway-process.ts';
import { readRepositoryFile } from '../support/tidy/repository.ts';

const FOLDER = fileURLToPath(new URL('../../packaging/debian', import.meta.url));
const TEXTS = new URL('../../packaging/debian/texts.mjs', import.meta.url).href;
const RUN_MS_MAX = 30_000;

for (const script of ['postinst', 'prerm', 'postrm']) {
  t.test(`${script} is a script`, { skip: missingTool('sh') }, (t) => {
    const { status, stderr } = spawnSync('sh', ['-n', join(FOLDER, script)], { encoding: 'utf8' });
    t.equal(status, 0, stderr);
    t.match(readRepositoryFile(`packaging/debian/${script}`), /^#!\/bin\/sh\nset -e\n/);
    t.end();
  });
}

t.test('the configuration that is shipped', { skip: missingBuild() }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'turnpike.yaml');
  const shipped = readRepositoryFile('packaging/debian/turnpike.yaml');
  writeFileSync(file, shipped.replace('/etc/turnpike/secret', join(folder, 'secret')));
  writeFileSync(join(folder, 'secret'), 'a secret for tests only\n');
  const args = [MAIN, 'config', 'check', '-c', file];
  const { exitCode, output } = await runCommand(process.execPath, args, RUN_MS_MAX);
  t.equal(exitCode, 0, 'is in order', { output });
  t.match(shipped, /endpoints: \[\]/, 'relays to nobody');
});

t.test('the page of the manual', { skip: missingBuild() }, async (t) => {
  const page = readRepositoryFile('packaging/debian/turnpike.1').replaceAll('\\-', '-');
  const { output } = await runCommand(process.execPath, [MAIN, '--help'], RUN_MS_MAX);
  const commands = [...output.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name!);
  t.ok(commands.includes('start') && commands.length > 10, `${commands.length} commands`);
  for (const name of commands) {
    if (name !== 'help') t.match(page, new RegExp(`\\b${name}\\b`), name);
  }
});

t.test('the unit of the package', async (t) => {
  const { unit } = (await import(TEXTS)) as { unit: (text: string) => string };
  const packaged = unit(readRepositoryFile('packaging/systemd/turnpike.service'));
  t.match(packaged, /^# Turnpike, from the Debian package\.\n/);
  t.match(packaged, /^Description=.+\nDocumentation=man:turnpike\(1\)$/m);
  const commands = packaged.split('\n').filter((line) => /^Exec(?:Start|Reload)=/.test(line));
  t.equal(commands.length, 3);
  for (const line of commands) t.match(line, /=(?:\/bin\/kill|\/usr\/bin\/turnpike) /, line);
});
