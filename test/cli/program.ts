import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { loadForCommand, type LoadedConfig } from '../../src/cli/configuration.ts';
import { createProgram, runCommandLine, type Runners } from '../../src/cli/program.ts';
import { startBanner } from '../../src/cli/start-banner.ts';
import { defaultConfigText, ECHO_ENDPOINT, WEBRTC_ECHO } from '../../src/config/defaults.ts';
import { GatewayError } from '../../src/errors.ts';
import { RouteTable } from '../../src/route/route-table.ts';
import { iceGateway } from '../../src/service/ice-gateway.ts';
import { routeTableData } from '../../src/service/policy-data.ts';
import { captureOutput, type Captured } from '../support/captured-output.ts';
import { configFrom } from '../support/configuration.ts';

const VERSION = '1.2.3';
const CANARY = 'canary-secret-that-is-long';
const VALID = `
version: v1
auth: { type: ephemeral, credentials: { secret: ${CANARY} } }
listeners: [{ name: udp, protocol: UDP, public_address: 192.0.2.1, routes: [media] }]
clusters: [{ name: media, endpoints: [10.0.0.0/8] }]
`;
const INVALID = VALID.replace('listeners', 'listenerz').replace('10.0.0.0/8', 'nonsense');

t.test('exit codes and where the text goes', async (t) => {
  const { valid, invalid, missing } = files(t);
  const cases: { args: string[]; exitCode: number; stdout?: RegExp; stderr?: RegExp }[] = [
    { args: ['--version'], exitCode: 0, stdout: /^1\.2\.3\n$/ },
    ...[['--help'], ['-h'], ['help']].map((args) => ({
      args,
      exitCode: 0,
      stdout: /Usage: turnpike.*\bstart\b.*\bice\b.*\bconfig\b.*\bauth\b.*\broute\b/s,
    })),
    { args: ['start', '--help'], exitCode: 0, stdout: /--portable.*Examples:/s },
    { args: ['config', 'check', '-c', valid], exitCode: 0, stdout: /: ok\n$/ },
    {
      args: ['config', 'check'],
      exitCode: 0,
      stdout: /^embedded configuration: ok\n$/,
      stderr: /embedded .* -c FILE\n$/,
    },
    {
      args: ['config', 'check', '-o', 'json'],
      exitCode: 0,
      stdout: /"ok": true/,
      stderr: /-c FILE/,
    },
    {
      args: ['config', 'check', '-c', invalid, '-o', 'json'],
      exitCode: 2,
      stdout:
        /^\{\n {2}"ok": false,\n {2}"problems": \[\n {4}\{\n {6}"file": ".*",\n {6}"line": 4,/,
    },
    {
      args: ['config', 'check', '-c', valid, '-o', 'yaml'],
      exitCode: 0,
      stdout: /^ok: true\nproblems: \[\]\nwarnings: \[\]\n$/,
    },
    { args: ['config', 'check', '-c', missing, '-o', 'json'], exitCode: 2, stderr: /cannot read/ },
    { args: ['config', 'show', '-c', valid], exitCode: 0, stdout: /'?\*\*\*'?/ },
    {
      args: ['config', 'show', '-o', 'json'],
      exitCode: 0,
      stdout: /"public_address": "127/,
      stderr: /embedded/,
    },
    { args: ['config', 'schema'], exitCode: 0, stdout: /"listeners"/ },
    {
      args: ['auth', '-c', valid, '--user', 'alice'],
      exitCode: 0,
      stdout: /^username +\d+:alice$/m,
    },
    {
      args: ['route', 'check', 'udp', '10.0.0.1:1', '-c', valid],
      exitCode: 0,
      stdout: /admitted/,
    },
    {
      args: ['route', 'check', 'udp', '11.0.0.1:1', '-c', valid, '-o', 'json'],
      exitCode: 1,
      stdout: /"verdict": "noRoute"/,
    },

    { args: [], exitCode: 2, stderr: /Usage: turnpike/ },
    { args: ['strat'], exitCode: 2, stderr: /unknown command 'strat'.*start/s },
    { args: ['--nonsense'], exitCode: 2, stderr: /unknown option.*--help/s },
    { args: ['start', '--nonsense'], exitCode: 2, stderr: /unknown option/ },
    { args: ['start', 'http://127.0.0.1'], exitCode: 2, stderr: /GW_ERR_USAGE/ },
    {
      args: ['start', 'turn://u:p@127.0.0.1:3478', '-c', valid],
      exitCode: 2,
      stderr: /not both\n\(GW_ERR_USAGE\)/,
    },
    { args: ['start', 'a', 'b'], exitCode: 2, stderr: /too many arguments/ },
    { args: ['start', '-c'], exitCode: 2, stderr: /argument missing/ },
    {
      args: ['start', '-c', missing],
      exitCode: 2,
      stderr: /cannot read.*GW_ERR_CONFIG_UNREADABLE/s,
    },
    {
      args: ['start', '-c', invalid],
      exitCode: 2,
      stderr: /:4:1: .*did you mean listeners.*\n.*:5:\d+: .*\n\(GW_ERR_CONFIG_INVALID\)\n$/,
    },
    { args: ['config', 'check', '-c', invalid], exitCode: 2, stderr: /:4:1: / },
    { args: ['config', 'show', '-c', missing], exitCode: 2, stderr: /cannot read/ },
    { args: ['statsu'], exitCode: 2, stderr: /Did you mean status\?/ },
    { args: ['kick'], exitCode: 2, stderr: /either ids of sessions or --user/ },
    { args: ['kick', '1', '--user', 'a'], exitCode: 2, stderr: /either ids/ },
    { args: ['revoke', 'a', '--until', 'soon'], exitCode: 2, stderr: /a duration such as 2h/ },
    { args: ['loglevel', 'nonsense'], exitCode: 2, stderr: /SCOPE=LEVEL/ },
    { args: ['loglevel', 'trun=DEBUG'], exitCode: 2, stderr: /no scope "trun".*mean turn\?/ },
    { args: ['loglevel', '--help'], exitCode: 0, stdout: /acme, all, api,\s+audit/ },
    { args: ['kick', '--help'], exitCode: 0, stdout: /kick [0-9a-f]{16}\n/ },
    { args: ['unrevoke', '..'], exitCode: 2, stderr: /cannot be named/ },
    { args: ['config', 'diff', '-c', missing], exitCode: 2, stderr: /cannot read/ },
    { args: ['config', 'diff', '-c', invalid], exitCode: 2, stderr: /:4:1: / },
    {
      args: ['config', 'import', valid],
      exitCode: 2,
      stderr: /nothing in it is an option of coturn/,
    },
    { args: ['config', 'import', valid, '-o', 'x'], exitCode: 2, stderr: /unknown option '-o'/ },
    { args: ['sessions', '--limit', '0'], exitCode: 2, stderr: /from 1 to 1000/ },
    { args: ['status', '--watch', '0'], exitCode: 2, stderr: /number of seconds/ },
    { args: ['completion', 'cmd'], exitCode: 2, stderr: /bash, zsh, fish/ },
    { args: ['snippet', 'nonsense', '-c', valid], exitCode: 2, stderr: /nextcloud, jitsi/ },
    {
      args: ['snippet', 'synapse', '-c', valid],
      exitCode: 0,
      stdout: /turn_uris/,
      stderr: /masked/,
    },
    { args: ['config', 'import', missing], exitCode: 2, stderr: /cannot read/ },
    { args: ['config', 'diff', '-c', valid, '--against', valid], exitCode: 0, stdout: /nothing/ },
    { args: ['config'], exitCode: 2, stderr: /Usage: turnpike config/ },
    { args: ['config', 'show', '-o', 'xml'], exitCode: 2, stderr: /table, json, yaml/ },
    { args: ['auth'], exitCode: 2, stderr: /required option/ },
    { args: ['auth', '-c', valid, '--ttl', '1h'], exitCode: 2, stderr: /whole number of seconds/ },
    { args: ['route', 'check', 'udp'], exitCode: 2, stderr: /missing required argument/ },
    {
      args: ['route', 'check', 'nope', '10.0.0.1:1', '-c', valid],
      exitCode: 2,
      stderr: /no listener/,
    },
    { args: ['route', 'check', 'udp', 'x', '-c', valid], exitCode: 2, stderr: /is not a peer/ },
  ];
  for (const { args, exitCode, stdout, stderr } of cases) {
    const outcome = await run(args);
    const name = ['turnpike', ...args].join(' ');
    t.equal(outcome.value, exitCode, name, outcome);
    t.match(outcome.stdout, stdout ?? /^$/, `standard output of ${name}`);
    t.match(outcome.stderr, stderr ?? /^$/, `standard error of ${name}`);
    t.notMatch(outcome.stdout + outcome.stderr, CANARY, 'no secret');
  }
});

t.test('every command has a description, and examples in its help', (t) => {
  const program = createProgram(VERSION, {} as Runners, () => undefined);
  const leaves = program.commands.flatMap((command) =>
    command.commands.length === 0 ? [command] : command.commands,
  );
  t.ok(leaves.length >= 20);
  for (const command of leaves) {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    t.not(command.description(), '', command.name());
    t.match(help, /\nExamples:\n {2}\$ |\| turnpike /, command.name());
  }
  t.end();
});

t.test('every command of the README exists, with the options that it shows', async (t) => {
  const rows = readFileSync('README.md', 'utf8').matchAll(/^\| (`turnpike .*?) +\|/gm);
  const commands = [...rows].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(?:turnpike )?([^`]+)`/g)].map(([, command = '']) => command.split(' ')),
  );
  t.ok(commands.length >= 8, 'the table was found', { commands });
  for (const words of commands) {
    const end = words.findIndex((word) => !/^[a-z]+$/.test(word));
    const names = end < 0 ? words : words.slice(0, end);
    const { value, stdout } = await run([...names, '--help']);
    t.equal(value, 0, words.join(' '));
    t.match(stdout, `Usage: turnpike ${names.join(' ')} `, words.join(' '));
    const options = words
      .map((word) => word.replace('[', ''))
      .filter((word) => word.startsWith('-'));
    for (const option of options) t.match(stdout, new RegExp(`^ +${option}\\b`, 'm'), option);
  }
});

t.test('start and ice hand over what they have loaded', async (t) => {
  const { valid } = files(t);
  const cases = [
    { args: ['start'], started: { origin: 'embedded', isPortable: false } },
    { args: ['start', '-c', valid], started: { origin: 'file', isPortable: false } },
    {
      args: ['start', '--config', valid, '--portable'],
      started: { origin: 'file', isPortable: true },
    },
    { args: ['start', 'turn://u:p@127.0.0.1'], started: { origin: 'uri', isPortable: false } },
    { args: ['ice', '-c', valid], started: { origin: 'file', isPortable: undefined } },
    { args: ['ice'], started: { origin: 'embedded', isPortable: undefined } },
  ];
  for (const { args, started } of cases) {
    const calls: unknown[] = [];
    const note = ({ origin }: LoadedConfig, isPortable?: boolean): Promise<void> => {
      calls.push({ origin, isPortable });
      return Promise.resolve();
    };
    const { value } = await run(args, {
      start: (loaded, { isPortable }) => note(loaded, isPortable),
      ice: (loaded) => note(loaded),
    });
    t.equal(value, undefined, 'what runs decides about the exit code');
    t.same(calls, [started], args.join(' '));
  }
});

t.test('echo hands over where it serves', async (t) => {
  const asked: unknown[] = [];
  const echo = async (options: unknown): Promise<void> => void asked.push(options);
  await run(['echo'], { echo });
  const other = ['--listen', 'http://[fd00::7]/e', '--address', 'FD00::7', '--ports', '5000-5001'];
  await run(['echo', ...other], { echo });
  t.same(asked, [
    WEBRTC_ECHO,
    {
      endpoint: { host: 'fd00::7', port: 8089, path: '/e' },
      address: { ip: 'fd00::7', minPort: 5000, maxPort: 5001 },
    },
  ]);
  const wrong: readonly [string, string, RegExp][] = [
    ['--listen', 'https://127.0.0.1', /--listen must be plain HTTP/],
    ['--address', 'localhost', /--address must be an IP address/],
    ['--ports', '3500', /--ports must be a range/],
    ['--ports', '3500-3500', /--ports must be a range/],
    ['--ports', '3500-65536', /--ports must be a range/],
  ];
  for (const [option, value, message] of wrong) {
    const { value: exitCode, stderr } = await run(['echo', option, value], { echo });
    t.equal(exitCode, 2, `${option} ${value}`);
    t.match(stderr, message);
  }
  t.equal(asked.length, 2);
});

t.test('a runner that fails', async (t) => {
  const fail = (error: Error) => {
    const start = async (): Promise<never> => {
      throw error;
    };
    return run(['start'], { start });
  };
  const listen = await fail(new GatewayError('GW_ERR_LISTEN', 'port 3478 is in use'));
  t.same([listen.value, listen.stderr], [1, 'port 3478 is in use\n(GW_ERR_LISTEN)\n']);
  await t.rejects(fail(new TypeError('a bug')), { message: 'a bug' }, 'a bug is not hidden');
});

t.test('loadForCommand', (t) => {
  const { valid, invalid, missing } = files(t);
  t.match(loadForCommand({ file: valid }), {
    origin: 'file',
    config: { clusters: [{ name: 'media' }] },
  });
  const uri = loadForCommand({ uri: 'turn://bob:pass@127.0.0.1:5000?transport=tcp' });
  t.match(uri, {
    origin: 'uri',
    config: {
      auth: { type: 'static', users: [{ username: 'bob', password: 'pass' }] },
      listeners: [{ protocol: 'tcp', port: 5000, bind: '127.0.0.1' }],
    },
  });
  const [one, other] = [loadForCommand({}), loadForCommand({})];
  t.equal(one.origin, 'embedded');
  t.match(one.config.auth.secrets, [/^[\w-]{32}$/], 'a secret of its own');
  t.not(one.config.auth.secrets[0], other.config.auth.secrets[0], 'a new one each time');

  t.match(loadForCommand({ uri: 'turns://a:b@127.0.0.1' }), {
    warnings: [],
    config: { listeners: [{ protocol: 'tls', port: 5349 }] },
  });

  const failures = [
    { source: { file: valid, uri: 'turn://a:b@127.0.0.1' }, code: 'GW_ERR_USAGE' },
    { source: { uri: 'turn://127.0.0.1' }, code: 'GW_ERR_USAGE' },
    { source: { file: missing }, code: 'GW_ERR_CONFIG_UNREADABLE' },
    { source: { file: invalid }, code: 'GW_ERR_CONFIG_INVALID' },
  ];
  for (const { source, code } of failures) t.throws(() => loadForCommand(source), { code });
  t.end();
});

t.test('the banner names every address and a curl', (t) => {
  const banner = startBanner(configFrom(defaultConfigText(CANARY)));
  for (const text of [
    'UDP   127.0.0.1:3478',
    'TCP   127.0.0.1:3478',
    'TLS   127.0.0.1:5349   a certificate made at start',
    'http://127.0.0.1:8088/ice',
    'http://127.0.0.1:8088/docs',
    'console         http://127.0.0.1:8087   (test page at /test, admin API described at /docs)',
    'WebRTC echo     http://127.0.0.1:8089/whip',
    `${ECHO_ENDPOINT.host}:${ECHO_ENDPOINT.port}`,
    "curl 'http://127.0.0.1:8088/ice?service=turn&username=alice&iceTransportPolicy=relay'",
  ]) {
    t.match(banner, text);
  }
  t.notMatch(banner, CANARY);
  const without = startBanner(configFrom(defaultConfigText(CANARY)), 'needs werift');
  t.match(without, 'WebRTC echo     needs werift');
  const ipv6 = configFrom(
    `version: v1\nauth: { type: none }\nice: { endpoint: 'http://[::1]:8089' }`,
  );
  t.match(startBanner(ipv6), 'http://[::1]:8089/docs', 'IPv6 in brackets');
  const secure = configFrom(
    `version: v1\nauth: { type: none }\nice: { endpoint: 'https://[::1]:8089' }`,
  );
  t.match(startBanner(secure), 'https://[::1]:8089/docs', 'HTTPS');
  t.end();
});

/** Runs a command line with runners that must not be called unless they are given. */
function run(
  args: string[],
  runners: Partial<Runners> = {},
): Promise<Captured<number | undefined>> {
  const unexpected = (): Promise<never> => Promise.reject(new Error('must not be called'));
  return captureOutput(() =>
    runCommandLine(args, VERSION, {
      start: unexpected,
      ice: unexpected,
      echo: unexpected,
      inspect: {
        iceGateway,
        routeTable: (config) =>
          Promise.resolve(
            new RouteTable(routeTableData(config, { own: [], addressesByName: new Map() })),
          ),
      },
      ...runners,
    }),
  );
}

function files(t: Test): { valid: string; invalid: string; missing: string } {
  const folder = t.testdir({ 'valid.yaml': VALID, 'invalid.yaml': INVALID });
  return {
    valid: `${folder}/valid.yaml`,
    invalid: `${folder}/invalid.yaml`,
    missing: `${folder}/missing.yaml`,
  };
}
