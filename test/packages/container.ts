import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { runCommand } from '../support/child-process.ts';
import { parseDockerfile, stageOf } from '../support/packages/dockerfile.ts';
import { readRepositoryFile } from '../support/tidy/repository.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUN_MS_MAX = 20_000;
const stages = parseDockerfile(readRepositoryFile('Dockerfile'));
const image = stages.at(-1)!;

t.test('the image', (t) => {
  t.same(image.all('RUN'), [], 'is only copied together: nothing of it is run, or emulated');
  const [user] = image.all('USER').at(-1)?.split(':') ?? [];
  t.match(user, /^[1-9]\d{3,}$/, 'is not of root, and of nobody who needs a name');
  for (const name of ['ENTRYPOINT', 'CMD']) {
    const command = JSON.parse(image.all(name).at(-1) ?? 'null') as unknown;
    t.ok(Array.isArray(command), `${name} needs no shell`);
  }
  const { version } = JSON.parse(readRepositoryFile('packaging/binary/node-runtime.json')) as {
    version: string;
  };
  const [, node] = /ARG NODE=(\d+)/.exec(readRepositoryFile('Dockerfile')) ?? [];
  t.equal(node, version.split('.')[0], 'has the Node.js of the single executable');
  t.end();
});

t.test('what is copied', (t) => {
  const lines = readRepositoryFile('.dockerignore').split('\n');
  t.ok(lines.includes('*'), '.dockerignore keeps everything out that it does not name');
  const allowed = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const isIn = (path: string): boolean => allowed.includes(path.split('/')[0]!);
  const copied = stages.flatMap((stage) => stage.copies()).filter(({ from }) => from === undefined);
  t.not(copied.length, 0);
  for (const { sources } of copied) {
    for (const source of sources) {
      t.ok(existsSync(join(ROOT, source)), `${source} exists`);
      t.ok(isIn(source), `.dockerignore lets ${source} through`);
    }
  }
  for (const path of ['node_modules', '.git', 'dist', 'test', '.env']) {
    t.notOk(isIn(path), `${path} stays outside`);
  }
  t.end();
});

t.test('the optional packages are those that everything is tested with', (t) => {
  const { peerDependencies, devDependencies } = JSON.parse(readRepositoryFile('package.json')) as {
    peerDependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const installed = stageOf(stages, 'production').all('RUN').join(' ').split(' ');
  for (const name of Object.keys(peerDependencies)) {
    t.ok(installed.includes(`${name}@${devDependencies[name]}`), name);
  }
  t.end();
});

t.test('stages and variables that are named exist', (t) => {
  const names = stages.map(({ name }) => name);
  for (const { from } of stages.flatMap((stage) => stage.copies())) {
    if (from !== undefined) t.ok(names.includes(from), from);
  }
  t.equal(stageOf(stages, 'build').all('WORKDIR')[0], '/turnpike');
  const call = JSON.parse(stageOf(stages, 'call').all('CMD')[0] ?? '[]') as string[];
  t.ok(existsSync(join(ROOT, call[1] ?? 'no script')), 'the script of the example');
  t.end();
});

t.test('the health check', async (t) => {
  const server = createServer((_request, response) => response.writeHead(status).end());
  let status = 200;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const exitCode = async (url: string): Promise<number | null> => {
    const args = ['TURNPIKE_LIVE_URL=' + url, process.execPath, ...healthCheck().slice(1)];
    return (await runCommand('env', args, RUN_MS_MAX)).exitCode;
  };
  t.equal(await exitCode(`http://127.0.0.1:${port}/live`), 0, 'alive');
  status = 503;
  t.equal(await exitCode(`http://127.0.0.1:${port}/live`), 1, 'not alive');
  server.close();
  t.equal(await exitCode(`http://127.0.0.1:${port}/live`), 1, 'nobody there');
});

function healthCheck(): string[] {
  const [, command] = /CMD (\[.*\])$/.exec(image.all('HEALTHCHECK')[0] ?? '') ?? [];
  return JSON.parse(command ?? '[]') as string[];
}
