import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { ECHO_ENDPOINT, WEBRTC_ECHO } from '../../src/config/defaults.ts';
import { runCommand, TestProcess } from '../support/child-process.ts';
import { openUdpEchoPeer } from '../support/echo-peer.ts';
import { freePorts, isPortFree } from '../support/free-ports.ts';
import { configurationFor, MAIN, missingBuild } from '../support/gateway-process.ts';
import { poll } from '../support/poll.ts';
import { LOOPBACK_SERVER, type IceServer } from '../support/server-under-test.ts';
import { TurnClient } from '../support/turn-client.ts';

const TRY = fileURLToPath(new URL('../../examples/try.mjs', import.meta.url));
const COMMAND_MS_MAX = 20_000;
const EMBEDDED_PORTS = [3478, 8088, ECHO_ENDPOINT.port, WEBRTC_ECHO.endpoint.port];
const SECRET = 'canary-secret-that-is-long';
const API_KEY = 'canary-api-key-that-is-long';
const PASSWORD = 'canary-password';

const skip = missingBuild();

await t.test('start without a file', { skip: skip || (await busyPorts()) }, async (t) => {
  const gateway = start(t, ['start']);
  await gateway.waitForLine((line) => line.startsWith('Stop with Ctrl-C'));
  t.match(gateway.output, /TURN over UDP +127\.0\.0\.1:3478\n +TURN over TCP +127\.0\.0\.1:3478\n/);
  t.match(gateway.output, /echo backend +127\.0\.0\.1:3490/);
  const [, url = ''] = /^ +curl '(.+)'$/m.exec(gateway.output) ?? [];
  const iceConfiguration = (await (await fetch(url)).json()) as { iceServers: IceServer[] };
  const [iceServer] = iceConfiguration.iceServers;
  t.match(iceServer, {
    username: /^\d+:alice$/,
    urls: ['turn:127.0.0.1:3478?transport=udp', 'turn:127.0.0.1:3478?transport=tcp'],
  });

  const attempt = await runCommand(process.execPath, [TRY], COMMAND_MS_MAX);
  t.equal(attempt.exitCode, 0, attempt.output);
  t.match(attempt.output, /it works/, 'npm run try');
  t.match(gateway.output, / INFO turn: allocation created .* user="try" /, 'a log for people');
  process.kill(await childOf(gateway.pid), 'SIGKILL');
  await gateway.waitForLine((line) => line.includes('WARN gateway: the WebRTC echo has ended'));
  await expectGoodEnd(t, gateway);
  t.notMatch(gateway.output, iceServer!.credential, 'no password in the log');
});

await t.test('the WebRTC echo', { skip: skip || (await busyPorts()) }, async (t) => {
  const gateway = start(t, ['start']);
  await gateway.waitForLine((line) => line.startsWith('Stop with Ctrl-C'));
  t.match(gateway.output, /WebRTC echo +http:\/\/127\.0\.0\.1:8089\/whip /);
  const { port } = WEBRTC_ECHO.endpoint;
  t.notOk(await isPortFree(port), 'serves');
  gateway.signal('SIGKILL');
  await gateway.ended;
  t.ok(await poll(() => isPortFree(port), Boolean), 'ends with its gateway, whatever ends that');
});

for (const transport of ['udp', 'tcp'] as const) {
  await t.test(`start with a URI, over ${transport}`, { skip }, async (t) => {
    const port = await freePorts();
    const uri = `turn://bob:${PASSWORD}@127.0.0.1:${port}?transport=${transport}`;
    const gateway = start(t, ['start', uri]);
    await gateway.waitForLine((line) => line.includes('gateway is ready'));
    const peer = await openUdpEchoPeer();
    t.teardown(() => peer.close());
    const client = await TurnClient.open({
      server: { host: '127.0.0.1', port },
      transport,
      credential: { username: 'bob', password: PASSWORD },
    });
    t.teardown(() => client.close());
    await client.allocate();
    await t.rejects(client.createPermission(peer.address), { code: 403 }, 'loopback stays denied');
    await expectGoodEnd(t, gateway);
    t.match(gateway.output, /"reason":"forbiddenPeer".*"msg":"peer denied"/);
    t.notMatch(gateway.output, PASSWORD, 'no password in the log');
  });
}

t.test('the ICE API alone', { skip }, async (t) => {
  const port = await freePorts(2);
  const gateway = start(t, ['ice', '-c', writeFile(t, configuration(port))]);
  await gateway.waitForLine((line) => line.includes('the ICE API is ready'));
  const url = `http://127.0.0.1:${port + 1}/ice?service=turn&username=alice`;
  t.equal((await fetch(url)).status, 401, 'a key is asked for');
  const answer = await fetch(url, { headers: { authorization: `Bearer ${API_KEY}` } });
  t.match(await answer.json(), { iceServers: [{ username: /:alice$/ }] });
  t.ok(await isPortFree(port), 'no listener is open');
  await expectGoodEnd(t, gateway);
  expectNoSecrets(t, gateway.output);
});

t.test('two signals end it at once, others do not end it', { skip }, async (t) => {
  const port = await freePorts(2);
  const gateway = start(t, ['start', '-c', writeFile(t, configuration(port))]);
  await gateway.waitForLine((line) => line.includes('gateway is ready'));
  for (const [signal, answer] of [
    ['SIGHUP', 'the configuration was read again'],
    ['SIGUSR1', '"msg":"draining"'],
  ] as const) {
    gateway.signal(signal);
    await gateway.waitForLine((line) => line.includes(answer));
  }
  gateway.signal('SIGINT');
  await gateway.waitForLine((line) => line.includes('stopping'));
  gateway.signal('SIGINT');
  const { signal } = await gateway.ended;
  t.equal(signal, null, 'it ends itself');
  t.notMatch(gateway.output, /Debugger/, 'SIGUSR1 does not open the debugger');
});

t.test('commands that look', { skip }, async (t) => {
  const file = writeFile(t, configuration(await freePorts(2)));
  const cases = [
    { args: ['config', 'check', '-c', file], exitCode: 0, says: /: ok$/ },
    { args: ['config', 'show', '-c', file], exitCode: 0, says: /secrets:\n +- "\*\*\*"/ },
    { args: ['config', 'schema'], exitCode: 0, says: /"\$schema"/ },
    { args: ['auth', '-c', file, '--user', 'alice'], exitCode: 0, says: /^username +\d+:alice$/m },
    { args: ['route', 'check', 'udp', '10.0.0.7:5004', '-c', file], exitCode: 0, says: /admitted/ },
    {
      args: ['route', 'check', 'udp', '10.0.0.7:1', '-c', file],
      exitCode: 1,
      says: /portNotRouted/,
    },
    { args: ['--version'], exitCode: 0, says: /^\d+\.\d+\.\d+$/ },
    { args: ['start', '--nonsense'], exitCode: 2, says: /unknown option '--nonsense'/ },
    {
      args: ['start', `turn://a:${PASSWORD}@example.org`],
      exitCode: 2,
      says: /IP address.*\n\(GW_ERR_USAGE\)$/,
    },
    { args: ['start', '-c', `${file}.gone`], exitCode: 2, says: /\(GW_ERR_CONFIG_UNREADABLE\)$/ },
  ];
  for (const { args, exitCode, says } of cases) {
    const result = await turnpike(args);
    const name = args.filter((arg) => !arg.includes(PASSWORD) && arg !== file).join(' ');
    t.equal(result.exitCode, exitCode, name, { result });
    t.match(result.output, says, name);
    expectNoSecrets(t, result.output);
  }
});

t.test('configurations that cannot run', { skip }, async (t) => {
  const port = await freePorts(2);
  const good = configuration(port);
  const [listener] = good.listeners;
  const server = createServer();
  server.listen({ host: '127.0.0.1', port, exclusive: true });
  await once(server, 'listening');
  t.teardown(() => server.close());
  const elsewhere = '192.0.2.77';
  const cases = [
    {
      name: 'a certificate that is none',
      changes: {
        listeners: [{ ...listener, name: 'secure', protocol: 'TLS', cert: 'YQ==', key: SECRET64 }],
      },
      exitCode: 2,
      says: /listeners\[0\]\.key: must be a private key as PEM text.*\n\(GW_ERR_CONFIG_INVALID\)$/,
    },
    {
      name: 'a certificate file that is missing',
      changes: {
        listeners: [
          { ...listener, protocol: 'TLS', cert_file: '/none.crt', key_file: '/none.key' },
        ],
      },
      exitCode: 1,
      says: /none\.crt.*\n\(GW_ERR_CERTIFICATE\)$/,
    },
    {
      name: 'DTLS in portable mode',
      flags: ['--portable'],
      changes: { listeners: [{ ...listener, protocol: 'DTLS' }] },
      exitCode: 1,
      says: /asks for DTLS, which the portable mode cannot serve.*\n\(GW_ERR_UNSUPPORTED\)/,
    },
    {
      name: 'a port in use',
      changes: {},
      exitCode: 1,
      says: new RegExp(`127\\.0\\.0\\.1.*${port}.*in use.*\\n\\(GW_ERR_LISTEN\\)$`),
    },
    {
      name: 'a port in use in portable mode',
      flags: ['--portable'],
      changes: {},
      exitCode: 1,
      says: new RegExp(`127\\.0\\.0\\.1.*${port}.*in use.*\\n\\(GW_ERR_LISTEN\\)$`),
    },
    {
      name: 'the port of the ICE API in use',
      changes: { listeners: [], ice: { endpoint: `http://127.0.0.1:${port}` } },
      exitCode: 1,
      says: /the ICE API cannot listen.*in use.*\n\(GW_ERR_LISTEN\)$/,
    },
    {
      name: 'an ICE API for everybody',
      changes: { ice: { endpoint: `http://0.0.0.0:${port + 1}` } },
      exitCode: 2,
      says: /ice\.endpoint: .*set ice\.api_keys, require client certificates, or listen on loopback.*\n\(GW_ERR_CONFIG_INVALID\)$/,
    },
    {
      name: 'a relay address that the host does not have',
      changes: { relay: { addresses: [{ bind: elsewhere }] } },
      exitCode: 1,
      says: /cannot relay from 192\.0\.2\.77.*does not have.*\n\(GW_ERR_RELAY_ADDRESS\)$/,
    },
    {
      name: 'a dangling route',
      changes: { listeners: [{ ...listener, routes: ['nowhere'] }] },
      exitCode: 2,
      says: /:\d+:\d+: listeners\[0\]\.routes\[0\]: names no cluster.*\n\(GW_ERR_CONFIG_INVALID\)$/,
    },
  ];
  for (const { name, flags = [], changes, exitCode, says } of cases) {
    const file = writeFile(t, { ...good, ...changes });
    const result = await turnpike(['start', '-c', file, ...flags]);
    t.equal(result.exitCode, exitCode, name, { result });
    t.match(result.output, says, name);
    expectNoSecrets(t, result.output);
  }
});

const SECRET64 = Buffer.from(SECRET).toString('base64');

/** A gateway on `port` with its ICE API, which asks for a key, on the next one. */
function configuration(port: number) {
  const server = { ...LOOPBACK_SERVER, secret: SECRET };
  const whole = configurationFor(server, port, port + 1);
  return {
    ...whole,
    auth: { ...whole.auth, users: [{ username: 'bob', password: PASSWORD }] },
    ice: { ...whole.ice, api_keys: [API_KEY] },
    listeners: [
      {
        name: 'udp',
        protocol: 'UDP',
        bind: '127.0.0.1',
        port,
        public_address: '127.0.0.1',
        routes: ['media'],
      },
      { name: 'tcp', protocol: 'TCP', bind: '127.0.0.1', port, routes: [] },
    ],
    clusters: [{ name: 'media', endpoints: ['10.0.0.0/24:<5000-5999>'] }],
  };
}

let fileCount = 0;

function writeFile(t: Test, content: object): string {
  const name = `turnpike-${fileCount++}.yaml`;
  return `${t.testdir({ [name]: stringify(content) })}/${name}`;
}

function start(t: Test, args: readonly string[]): TestProcess {
  const child = new TestProcess(process.execPath, [MAIN, ...args]);
  t.teardown(() => child.stop());
  return child;
}

function turnpike(args: readonly string[]): ReturnType<typeof runCommand> {
  return runCommand(process.execPath, [MAIN, ...args], COMMAND_MS_MAX);
}

/** The only child of a process. */
async function childOf(pid: number): Promise<number> {
  return Number(await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}

async function expectGoodEnd(t: Test, gateway: TestProcess): Promise<void> {
  gateway.signal('SIGTERM');
  t.same(await gateway.ended, { exitCode: 0, signal: null }, 'SIGTERM ends it well');
  t.match(gateway.lines.at(-1), /stopped/, 'after it has stopped everything');
}

function expectNoSecrets(t: Test, output: string): void {
  for (const secret of [SECRET, SECRET64, API_KEY, PASSWORD]) {
    t.notOk(output.includes(secret), 'no secret in the output');
  }
}

async function busyPorts(): Promise<string | false> {
  const free = await Promise.all(EMBEDDED_PORTS.map(isPortFree));
  const busy = EMBEDDED_PORTS.filter((_, index) => !free[index]);
  return busy.length > 0 && `ports of the embedded configuration are in use: ${busy.join(', ')}`;
}

t.test('a reader that goes away', { skip }, async (t) => {
  const commands = [
    '--help 2>&3',
    'config schema 2>&3',
    'completion bash 2>&3',
    'config show 2>/dev/null',
    'nonsense 2>&1',
  ];
  const ends = commands.map(async (command) => {
    // What is written to the pipe is lost; its exit code, and what stands elsewhere, is not.
    const script = `exec 3>&1; { "$0" "$1" ${command}; echo "exit $?" >&3; } | true`;
    const args = ['-c', script, process.execPath, MAIN];
    const { output } = await runCommand('sh', args, COMMAND_MS_MAX);
    t.equal(output, command.startsWith('nonsense') ? 'exit 2' : 'exit 0', command);
  });
  await Promise.all(ends);
});
