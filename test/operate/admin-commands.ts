import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { runCommandLine, type Runners } from '../../src/cli/program.ts';
import { captureOutput } from '../support/captured-output.ts';
import { runCommand, TestProcess } from '../support/child-process.ts';
import { openUdpEchoPeer } from '../support/echo-peer.ts';
import { freePorts } from '../support/free-ports.ts';
import {
  configurationFor,
  flagsFor,
  MAIN,
  missingBuild,
  startReady,
  type GatewayProcess,
} from '../support/gateway-process.ts';
import { LOOPBACK_SERVER } from '../support/server-under-test.ts';
import { TurnClient } from '../support/turn-client.ts';

const COMMAND_MS_MAX = 20_000;
const SECRET = 'canary-secret-that-is-long';
const TOKEN = 'canary-token-that-is-long';
const skip = missingBuild();

for (const mode of ['reactor', 'portable'] as const) {
  await t.test(`the admin commands and a gateway, ${mode}`, { skip }, async (t) => {
    const gateway = await start(t, mode);
    const { turnpike, call } = gateway;
    const alice = await call('alice');
    const bob = await call('bob');

    const status = await turnpike('status', '-o', 'json');
    t.equal(status.exitCode, 0, status.output);
    t.match(JSON.parse(status.output), {
      name: 'under-test',
      state: 'running',
      allocations: { active: 2 },
    });
    const text = await runCommand(
      process.execPath,
      [MAIN, 'status', '-c', gateway.file],
      COMMAND_MS_MAX,
    );
    t.match(text, { exitCode: 0, output: /^allocations +2 of .*\nrelay ports +IPv4 2 of /m });

    const sessions = await turnpike('sessions', '-o', 'json');
    const list = JSON.parse(sessions.output) as { sessions: { id: string; user: string }[] };
    t.same(list.sessions.map(({ user }) => user).toSorted(), ['alice', 'bob']);
    t.match((await turnpike('sessions', '--user', 'bob')).output, /^ID .*\n\S+ +bob .*\n$/);

    const id = list.sessions.find(({ user }) => user === 'alice')!.id;
    t.match(await turnpike('kick', id), { exitCode: 0, output: /^1 session ended/ });
    t.match(await turnpike('kick', id), { exitCode: 1, output: /no such session/ });
    const none = await turnpike('kick', id, '0123456789abcdef');
    t.match(none, { exitCode: 1, output: /^0 sessions ended.*\n.*no such .*\n0123.*no such / });
    await t.rejects(alice.refresh(600), { code: 437 }, 'the session is gone');

    t.match(await turnpike('revoke', 'bob', '--until', '2h'), {
      exitCode: 0,
      output: /1 session ended/,
    });
    await t.rejects(bob.refresh(600), 'so is that of a revoked user');
    await t.rejects(call('bob'), { code: 401 }, 'who cannot come back');
    t.match(await turnpike('unrevoke', 'bob'), { exitCode: 0, output: /not revoked any more/ });
    t.match(await turnpike('unrevoke', 'bob'), { exitCode: 1, output: /API_ERR_REVOCATION/ });
    await call('bob');
    await call('carol');
    t.match(await turnpike('kick', '--user', 'carol'), { exitCode: 0, output: /^1 session ended/ });

    t.match(await turnpike('drain'), { exitCode: 0, output: /^draining/ });
    await t.rejects(call('dave'), 'no new allocations');
    t.match(await turnpike('undrain'), { exitCode: 0, output: /^running/ });
    await call('dave');

    const listener = gateway.data.listeners[0]!.name;
    // Without -c, which would have the file asked.
    const check = (peer: string) => gateway.ask('route', 'check', listener, peer);
    t.match(await check('127.0.0.1:5004'), { exitCode: 0, output: /^verdict +admitted$/m });
    t.match(await check('192.0.2.1:9'), { exitCode: 1, output: /^verdict +noRoute$/m });
    t.match(await gateway.ask('route', 'check', 'nope', '127.0.0.1:5004'), { exitCode: 2 });

    t.match(await turnpike('loglevel', 'turn=DEBUG'), { exitCode: 0, output: /^turn +DEBUG$/m });
    t.match(await turnpike('loglevel', 'turn=LOUD'), { exitCode: 2, output: /GW_ERR_USAGE/ });
    t.notMatch(gateway.child.output, SECRET);
  });
}

t.test('reload and diff', { skip }, async (t) => {
  const { turnpike, ask, file, data } = await start(t, 'reactor');
  t.match(await ask('config', 'diff'), { exitCode: 0, output: /would change nothing/ });
  const folder = t.testdir({
    'new.yaml': stringify({ ...data, auth: { ...data.auth, realm: 'other.example.org' } }),
    'broken.yaml': stringify({ ...data, nonsense: true }),
  });
  const [changed, broken] = [`${folder}/new.yaml`, `${folder}/broken.yaml`];
  t.match(await ask('config', 'diff', '-c', changed), {
    exitCode: 0,
    output: /would change this\nauth\.realm: example\.org -> other\.example\.org /,
  });
  t.match(await ask('config', 'diff', '-c', broken), {
    exitCode: 2,
    output: /would be refused.*\n.*:\d+:\d+: nonsense: unknown key/,
  });
  t.match(await ask('config', 'diff'), { exitCode: 0, output: /would change nothing/ });
  await writeFile(file, stringify({ ...data, admin: { ...data.admin, user_quota: 7 } }));
  t.match(await turnpike('reload'), { exitCode: 0 });
  await writeFile(file, 'nonsense: true\n');
  // Its own file would tell the command line as much, hence without it.
  const refused = await ask('reload');
  t.match(await turnpike('reload'), { exitCode: 2, output: /:1:1: nonsense: unknown key/ });
  t.match(refused, { exitCode: 2, output: /goes on with its old configuration\n.*:\d+:\d+: / });
});

t.test('events and --watch until a signal', { skip }, async (t) => {
  const { file, call } = await start(t, 'reactor');
  const environment = { TURNPIKE_API: '', TURNPIKE_ADMIN_TOKEN: '' };
  const events = new TestProcess(
    process.execPath,
    [MAIN, 'events', '-c', file, '-o', 'json', '--types', 'allocation'],
    environment,
  );
  const watching = new TestProcess(
    process.execPath,
    [MAIN, 'sessions', '-c', file, '--watch', '0.2'],
    environment,
  );
  t.teardown(() => Promise.all([events.stop(), watching.stop()]));
  await watching.waitForLine((line) => line === 'no sessions');
  // What has happened before the stream is open is not told, hence again and again.
  const created = events.waitForLine((line) => line.includes('allocation.created'));
  const isSeen = (): boolean => events.output.includes('allocation.created');
  for (let attempt = 0; attempt < 200 && !isSeen(); attempt++) await call(`user-${attempt}`);
  t.match(JSON.parse(await created), { type: 'allocation.created' });
  await watching.waitForLine((line) => line.startsWith('ID '));
  for (const child of [events, watching]) {
    child.signal('SIGINT');
    t.same(await child.ended, { exitCode: 0, signal: null }, child.output);
  }
});

type Configuration = ReturnType<typeof configurationFor> & {
  readonly admin: { readonly api_endpoint: string };
};

interface Started extends GatewayProcess {
  readonly data: Configuration;
  /** Runs a command that finds the admin API in the configuration file. */
  readonly turnpike: (...args: string[]) => Promise<CommandOutcome>;
  /** Runs a command that is told where the admin API is. */
  readonly ask: (...args: string[]) => Promise<CommandOutcome>;
  /** Allocates as a user. */
  readonly call: (user: string) => Promise<TurnClient>;
}

interface CommandOutcome {
  readonly exitCode: number | undefined;
  /** Standard output, then standard error. */
  readonly output: string;
}

/** Runs a command in this process: starting one takes far longer than what it does. */
async function runHere(args: readonly string[]): Promise<CommandOutcome> {
  for (const name of ['TURNPIKE_API', 'TURNPIKE_ADMIN_TOKEN']) delete process.env[name];
  const run = () => runCommandLine(args, '1.2.3', {} as Runners);
  const { value, stdout, stderr } = await captureOutput(run);
  return { exitCode: value, output: `${stdout}${stderr}` };
}

async function start(test: Test, mode: 'reactor' | 'portable'): Promise<Started> {
  const options = { ...LOOPBACK_SERVER, mode, secret: SECRET };
  const port = await freePorts(3);
  const base = configurationFor(options, port, port + 1);
  const admin = { api_endpoint: `http://127.0.0.1:${port + 2}`, api_token: TOKEN };
  const data = { ...base, admin: { ...base.admin, ...admin } };
  const gateway = await startReady(data, flagsFor(options));
  test.teardown(() => gateway.stop());
  const peer = await openUdpEchoPeer();
  test.teardown(() => peer.close());
  const token = join(dirname(gateway.file), 'token');
  await writeFile(token, TOKEN);
  return {
    ...gateway,
    data,
    turnpike: (...args) => runHere([...args, '-c', gateway.file]),
    ask: (...args) => runHere([...args, '--api', admin.api_endpoint, '--token-file', token]),
    call: async (user) => {
      const url = `http://127.0.0.1:${port + 1}/ice?service=turn&username=${user}`;
      const { iceServers } = (await (await fetch(url)).json()) as {
        iceServers: { username: string; credential: string }[];
      };
      const { username, credential } = iceServers[0]!;
      const client = await TurnClient.open({
        server: { host: '127.0.0.1', port },
        transport: 'udp',
        credential: { username, password: credential },
      });
      test.teardown(() => client.close());
      await client.allocate();
      return client;
    },
  };
}
