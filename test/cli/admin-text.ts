import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { eventText } from '../../src/cli/admin/event-text.ts';
import { LOG_SCOPES, parseLevel } from '../../src/cli/admin/log-scopes.ts';
import { reloadText } from '../../src/cli/admin/reload-text.ts';
import { sessionText } from '../../src/cli/admin/session-text.ts';
import { statusText } from '../../src/cli/admin/status-text.ts';
import { watch } from '../../src/cli/admin/watch.ts';
import { CommandFailure } from '../../src/cli/command-failure.ts';
import { parseUntil } from '../../src/cli/program-options.ts';
import { coloursFor, NO_COLOURS } from '../../src/cli/terminal/colours.ts';
import { printable } from '../../src/cli/terminal/printable.ts';
import { formatAge, formatBytes, formatCount } from '../../src/cli/terminal/units.ts';
import { SESSION, STATUS } from '../support/admin-answers.ts';

const NOW = Date.parse('2030-01-02T03:04:05Z');

t.test('units for people', (t) => {
  t.same([0, 999, 1000, 1234, 99_949, 99_950, 999_499, 999_500, 1.5e9, 2e15].map(formatBytes), [
    '0 B',
    '999 B',
    '1.0 kB',
    '1.2 kB',
    '99.9 kB',
    '100 kB',
    '999 kB',
    '1.0 MB',
    '1.5 GB',
    '2.0 PB',
  ]);
  t.same([0, 999, 1000, 1_234_567].map(formatCount), ['0', '999', '1,000', '1,234,567']);
  t.same([-1, 0, 59, 61, 3599, 3600, 3661, 86_399, 86_400, 90_000, 266_400].map(formatAge), [
    '0s',
    '0s',
    '59s',
    '1m1s',
    '59m59s',
    '1h',
    '1h1m',
    '23h59m',
    '1d',
    '1d1h',
    '3d2h',
  ]);
  t.end();
});

t.test('status', (t) => {
  const text = statusText(STATUS, NO_COLOURS, NOW);
  t.match(text, /^gateway +under-test, version 1\.2\.3$/m);
  t.match(text, /^state +running, not ready: full$/m);
  t.match(text, /^up +3h4m, since 2030-01-02T00:00:05\.000Z$/m);
  t.match(text, /^allocations +12 of 1,000 \(1 %\)$/m);
  t.match(text, /^workers +2 \(reactor\), slowest loop 7 ms, 1 restarted$/m);
  t.match(text, /^relay ports +IPv4 12 of 2,000 \(1 %\)\n +IPv6 0 of 2,000 \(0 %\)$/m);
  t.match(text, /^restart +needed for relay\.workers$/m);
  t.match(text, /^last reload +failed at .*as before$/m);
  t.match(text, /^LISTENER +PROTOCOL +ADDRESS +PUBLIC +CONNECTIONS +RECEIVED +SENT +ROUTES$/m);
  t.match(text, /^udp +udp +\*:3478 +turn\.example\.org:443 +0 +1\.2 MB +3\.4 kB +media other$/m);
  t.match(text, /^media +STATIC +udp +10\.0\.0\.0\/8$/m);
  t.match(text, /^REVOKED USER +UNTIL\nmallory +2030/m);
  t.match(text, /^turn\.example\.org +files +2030-01-05.* 3 +listeners/m);
  const coloured = statusText(STATUS, coloursFor({ isTTY: true }, {}), NOW);
  t.match(coloured, '\u001B[33mnot ready: full\u001B[39m');
  // oxlint-disable-next-line no-control-regex
  t.equal(coloured.replace(/\u001B\[\d+m/g, ''), text, 'colours change nothing else');
  t.end();
});

t.test('sessions', (t) => {
  t.equal(sessionText({ sessions: [], total: 0 }, NO_COLOURS), 'no sessions\n');
  const text = sessionText({ sessions: [SESSION], total: 3 }, NO_COLOURS, NOW);
  t.match(text, /^ID +USER +LISTENER +CLIENT/);
  t.match(
    text,
    /^5f1d09c2a37be846 +al.\[2Jice +udp +192\.0\.2\.9:5000 udp +10\.0\.0\.5:50000 +1m5s +9m +12 B +1\.0 kB +1 \(degraded\)$/m,
  );
  t.match(text, /… and 2 more/);
  const peers = (permissions: string[], channels: string[]): string => {
    const session = {
      ...SESSION,
      isDegraded: false,
      permissions,
      channels: channels.map((peer, index) => ({ number: 0x4000 + index, peer })),
    };
    const line = sessionText({ sessions: [session], total: 1 }, NO_COLOURS, NOW).split('\n')[1];
    return / (\d+)$/.exec(line!)?.[1] ?? '';
  };
  t.equal(peers(['10.0.0.7', '10.0.0.8'], ['10.0.0.7:1', '10.0.0.7:2']), '3');
  t.equal(
    peers(['fd00::7'], ['[fd00::7]:1']),
    '1',
    'the permission of a channel is no second peer',
  );
  t.equal(peers([], []), '0');
  t.notMatch(text, '\u001B', 'what a client made up moves no cursor');
  t.equal(printable('a\u009Bb\u202Ec\u0000d\te\nf'), 'a\uFFFDb\uFFFDc\uFFFDd\te\nf');
  t.end();
});

t.test('colours only on a terminal that wants them', (t) => {
  const cases: [boolean | undefined, Record<string, string>, boolean][] = [
    [true, {}, true],
    [true, { NO_COLOR: '' }, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [undefined, {}, false],
    [false, {}, false],
  ];
  for (const [isTTY, environment, isColoured] of cases) {
    t.equal(
      coloursFor({ isTTY }, environment) !== NO_COLOURS,
      isColoured,
      JSON.stringify([isTTY, environment]),
    );
  }
  t.end();
});

t.test('reloads and events', (t) => {
  const at = '2030-01-01T00:00:00Z';
  const base = { at, changes: [], kept: [], problems: [], milliseconds: 1 };
  t.equal(reloadText({ ...base, outcome: 'unchanged' }, NO_COLOURS), 'nothing has changed\n');
  t.equal(
    reloadText({ ...base, outcome: 'dryRun' }, NO_COLOURS),
    'a reload would change nothing\n',
  );
  t.match(
    reloadText({ ...base, outcome: 'failed', problems: ['a.yaml:1:2: is wrong'] }, NO_COLOURS),
    /goes on with its old.*\na\.yaml:1:2: is wrong\n$/,
  );
  const scene = { where: 'http://127.0.0.1:8087', isDryRun: true };
  t.match(
    reloadText(
      { ...base, outcome: 'failed', problems: ['a.yaml:1:2: is wrong'] },
      NO_COLOURS,
      scene,
    ),
    /^http:\/\/127\.0\.0\.1:8087: a reload would be refused.*\na\.yaml:1:2: is wrong\n$/,
  );
  const changes = [
    { path: 'auth.realm', before: 'a', after: 'b', effect: 'update' },
    { path: 'listeners.udp', before: undefined, after: { port: 1 }, effect: 'reopen' },
  ] as const;
  t.equal(
    reloadText({ ...base, outcome: 'applied', changes, kept: ['relay.workers'] }, NO_COLOURS),
    'the configuration is in force\nauth.realm: a -> b (in place)\nlisteners.udp: (none) -> {"port":1} (the socket is opened anew)\nkept until a restart: relay.workers\n',
  );
  const event = {
    id: 1,
    at,
    type: 'peer.denied',
    data: { user: 'a b', peer: '10.0.0.1:1', count: 2 },
  };
  t.equal(
    eventText(event, 'table', NO_COLOURS),
    `${at}  peer.denied  user="a b" peer=10.0.0.1:1 count=2\n`,
  );
  t.same(JSON.parse(eventText(event, 'json', NO_COLOURS)), event);
  t.match(eventText(event, 'yaml', NO_COLOURS), /^---\nid: 1\n/);
  t.end();
});

t.test('times and levels on the command line', (t) => {
  const seconds = NOW / 1000;
  const cases: [string, number][] = [
    ['2h', seconds + 7200],
    ['90', seconds + 90],
    ['2030-01-02T03:04:06Z', seconds + 1],
    ['2030-01-02T04:04:06.5+01:00', seconds + 2],
    [String(seconds + 5), seconds + 5],
  ];
  for (const [text, until] of cases) t.equal(parseUntil(text, NOW), until, text);
  for (const text of [
    '',
    '0',
    'tomorrow',
    '2030-01-02',
    '2029-01-01T00:00:00Z',
    '1800000000',
    '-1h',
  ]) {
    t.throws(() => parseUntil(text, NOW), { code: 'commander.invalidArgument' }, text);
  }
  t.same(parseLevel('tls=TRACE', ['turn:DEBUG']), ['turn:DEBUG', 'tls=TRACE']);
  t.throws(() => parseLevel('rely=DEBUG'), { message: /no scope "rely".*mean relay\?$/ });
  t.throws(() => parseLevel('bogus=DEBUG'), { message: /there are: acme, all, .*turn\.$/ });
  for (const text of ['', 'DEBUG', 'a=', '=DEBUG', 'a=b=c', 'a,b=INFO']) {
    t.throws(() => parseLevel(text), { code: 'commander.invalidArgument' }, text);
  }
  t.end();
});

t.test('watching', async (t) => {
  for (const isTerminal of [true, false]) {
    const stopper = new AbortController();
    const written: string[] = [];
    let reads = 0;
    await watch(() => Promise.resolve(`read ${++reads}\n`), {
      seconds: 0.001,
      isTerminal,
      writeFailure: (text) => t.fail(text),
      write: (text) => {
        written.push(text);
        if (written.length === 3) stopper.abort();
      },
      signal: stopper.signal,
    });
    const before = isTerminal ? '\u001B[H\u001B[2J\u001B[3J' : '';
    t.same(
      written,
      ['read 1\n', 'read 2\n', 'read 3\n'].map((text) => before + text),
    );
  }
  const failing = watch(() => Promise.reject(new Error('gone')), {
    seconds: 1,
    isTerminal: false,
    write: () => undefined,
    writeFailure: () => undefined,
    signal: new AbortController().signal,
  });
  await t.rejects(failing, { message: 'gone' });
});

t.test('watching outlasts a gateway that has gone away', async (t) => {
  const stopper = new AbortController();
  const written: string[] = [];
  const answers = [
    () => Promise.resolve('first\n'),
    () => Promise.reject(new CommandFailure('gone away')),
    () => Promise.resolve('back\n'),
  ];
  const options = {
    seconds: 0.001,
    isTerminal: false,
    write: (text: string) => {
      written.push(text);
      if (text === 'back\n') stopper.abort();
    },
    writeFailure: (text: string) => void written.push(text),
    signal: stopper.signal,
  };
  await watch(() => answers.shift()!(), options);
  t.same(written, ['first\n', 'gone away\n', 'back\n']);
  const bug = [() => Promise.resolve(''), () => Promise.reject(new TypeError('a bug'))];
  const signal = new AbortController().signal;
  await t.rejects(
    watch(() => bug.shift()!(), { ...options, signal }),
    { message: 'a bug' },
  );
});

t.test('the scopes are those that the sources write records with', (t) => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' });
  const texts = files
    .filter((file) => file.endsWith('.ts') && !/^(?:cli|http\/console)\//.test(file))
    .map((file) => readFileSync(`src/${file}`, 'utf8'));
  const named = texts.flatMap((text) =>
    [...text.matchAll(/\bscope(?:\(|: )'(\w+)'/g)].map(([, scope]) => scope!),
  );
  // The HTTP services get theirs as a parameter.
  const all = new Set(['all', 'api', 'health', 'ice', 'metrics', ...named]);
  t.same([...LOG_SCOPES], [...all].toSorted());
  t.match(
    readFileSync('docs/command-line.md', 'utf8').replaceAll('\n', ' '),
    LOG_SCOPES.join(', '),
  );
  t.end();
});
