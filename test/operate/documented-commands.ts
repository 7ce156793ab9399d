import { copyFile, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { COMPATIBLE_SERVICES } from '../../src/config/compatible-services.ts';
import { missingTool, TestProcess } from '../support/child-process.ts';
import { documentPages } from '../support/document-pages.ts';
import { commandBlocks } from '../support/documented-commands.ts';
import { MAIN, missingBuild } from '../support/gateway-process.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';

const TOKEN = 'token-of-the-documented-commands';
const ENVIRONMENT = {
  TURN_SECRET: 'secret-of-the-documented-commands',
  TURNPIKE_ADMIN_TOKEN: TOKEN,
  ICE_KEY: 'any',
};

/** What the pages call a gateway: the sections that their commands look at. */
const DOCUMENTED = {
  admin: { api_token: '${TURNPIKE_ADMIN_TOKEN}' },
  auth: { credentials: { secret: '${TURN_SECRET}' } },
  ice: { compat: COMPATIBLE_SERVICES },
};

const skip = missingBuild() || missingTool('bash', 'curl', 'openssl');

t.test('the commands of every page do what they say', { skip }, async (t) => {
  const gateway = await startDocumentedGateway(t);
  const folder = dirname(gateway.process.file);
  await writeTools(folder);
  let count = 0;
  for (const page of documentPages()) {
    const blocks = commandBlocks(await readFile(page, 'utf8'));
    for (const { line, notRun } of blocks) {
      if (notRun !== undefined) t.comment(`${page}:${line} is not run: ${notRun}`);
    }
    const run = blocks.filter(({ notRun }) => notRun === undefined);
    if (run.length === 0) continue;
    const text = run.map((block) => `echo '# ${page}:${block.line}'\n(\n${block.text})`).join('\n');
    const { exitCode, output } = await runScript(localised(text, gateway), gateway);
    t.equal(exitCode, 0, `${page}: ${run.length} blocks`, { output });
    t.notMatch(output, ENVIRONMENT.TURN_SECRET, `${page} tells no secret`);
    await undrain(gateway);
    count += run.length;
  }
  t.ok(count > 20, `${count} blocks`);
});

t.test('marks are read', (t) => {
  const page =
    'a\n\n```sh\nb\n```\n\n- c\n\n  ```sh not run: d e\n  f\n    g\n  ```\n\n```yaml\nh\n```\n';
  t.same(commandBlocks(page), [
    { text: 'b\n', line: 3, notRun: undefined },
    { text: 'f\n  g\n', line: 9, notRun: 'd e' },
  ]);
  t.throws(() => commandBlocks('```sh later\n```\n'), /neither sh nor/);
  t.end();
});

function startDocumentedGateway(t: Test): Promise<OperatedGateway> {
  const listener = (name: string, port: number) => ({
    name,
    protocol: `TURN-${name.toUpperCase()}`,
    bind: '127.0.0.1',
    port,
    public_address: '127.0.0.1',
    routes: ['media', 'echo'],
  });
  const sections = ({ turn }: { readonly turn: number }) => ({
    ...DOCUMENTED,
    listeners: [listener('udp', turn), listener('tcp', turn)],
    clusters: [
      { name: 'media', endpoints: ['10.0.0.5:<10000-20000>'] },
      { name: 'echo', endpoints: ['127.0.0.1'], dangerously_allow: ['127.0.0.1/32'] },
    ],
  });
  return OperatedGateway.start(t, sections, {}, ENVIRONMENT);
}

/** What the commands find on a machine of their own: `turnpike`, a `curl` that fails on errors, and /etc. */
async function writeTools(folder: string): Promise<void> {
  await mkdir(join(folder, 'etc'));
  await symlink(folder, join(folder, 'etc/turnpike'));
  await writeFile(join(folder, 'etc/turnserver.conf'), COTURN_FILE);
  await writeFile(join(folder, '.curlrc'), 'fail\nsilent\nshow-error\n');
  // `route check` says no with 1, which is an answer.
  const command = `#!/bin/sh
"${process.execPath}" "${MAIN}" "$@"
code=$?
if [ "$1 $2" = 'route check' ] && [ "$code" = 1 ]; then exit 0; fi
exit "$code"
`;
  await writeFile(join(folder, 'turnpike'), command, { mode: 0o755 });
}

const COTURN_FILE = 'listening-port=3478\nuse-auth-secret\nstatic-auth-secret=of-coturn\n';

/** The commands with the ports and folders of this test in place of the usual ones. */
function localised(script: string, { ports, peer, process: { file } }: OperatedGateway): string {
  const places: readonly [from: string, to: string][] = [
    ['127.0.0.1:8088', `127.0.0.1:${ports.ice}`],
    ['127.0.0.1:8087', `127.0.0.1:${ports.api}`],
    ['127.0.0.1:8086', `127.0.0.1:${ports.health}`],
    ['127.0.0.1:8080', `127.0.0.1:${ports.metrics}`],
    ['--peer 10.0.0.5:10000', `--peer ${peer.address.toString()}`],
    ['/etc/', `${dirname(file)}/etc/`],
  ];
  return places.reduce((text, [from, to]) => text.replaceAll(from, to), script);
}

/** Runs the commands of a page in a folder with the files that pages speak of. */
async function runScript(
  script: string,
  { ports, process: { file } }: OperatedGateway,
): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  const tools = dirname(file);
  const folder = await mkdtemp(join(tools, 'page-'));
  const names = ['old.yaml', 'new.yaml'];
  if (!script.includes('--to turnpike.yaml')) names.push('turnpike.yaml');
  for (const name of names) await copyFile(file, join(folder, name));
  await copyFile('config/stunner-v1.example.yaml', join(folder, 'stunnerd.conf'));
  const options = ['-eu', '-o', 'pipefail', '-c'];
  const child = new TestProcess('bash', [...options, `cd "$0"\n${script}`, folder], {
    ...ENVIRONMENT,
    CURL_HOME: tools,
    PATH: `${tools}:${process.env['PATH']}`,
    TURNPIKE_API: `http://127.0.0.1:${ports.api}`,
  });
  const { exitCode } = await child.ended;
  return { exitCode, output: child.output };
}

/** Some page drains it. */
async function undrain({ ports }: OperatedGateway): Promise<void> {
  await fetch(`http://127.0.0.1:${ports.api}/api/v1/undrain`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
  });
}
