import { mock } from 'node:test';
import t from 'tap';
import type { LogLevel } from '../src/config/gateway-config.ts';
import { LOG_RETRY_SECONDS, LOG_WAITING_BYTES_MAX } from '../src/limits.ts';
import { LogOutput, type TakeBytes } from '../src/log-output.ts';
import { Log, type LogRecord } from '../src/log.ts';

const CANARY = 'canary-secret';
const LEVELS = ['error', 'warn', 'info', 'debug'] as const;

t.test('levels by scope', (t) => {
  const expected: Record<LogLevel, readonly string[]> = {
    DISABLE: [],
    ERROR: ['error'],
    WARN: ['error', 'warn'],
    INFO: ['error', 'warn', 'info'],
    DEBUG: LEVELS,
    TRACE: LEVELS,
  };
  for (const [level, written] of Object.entries(expected) as [LogLevel, readonly string[]][]) {
    for (const levels of [{ all: level }, { all: 'ERROR', turn: level } as const]) {
      const { log, lines } = openLog('json', levels);
      for (const each of LEVELS)
        log.write({ level: each, scope: 'turn', message: each, fields: {} });
      t.same(lines().map(messageOf), written, JSON.stringify(levels));
    }
  }
  const { log, lines } = openLog('json', {});
  log.scope('dns').debug('hidden');
  log.scope('dns').info('shown');
  t.same(lines().map(messageOf), ['shown'], 'INFO where nothing is said');
  t.equal(log.scope('dns'), log.scope('dns'), 'one logger per scope');
  t.end();
});

t.test('levels that change', (t) => {
  const { log, lines } = openLog('json', { all: 'INFO' });
  const turn = log.scope('turn');
  turn.debug('hidden');
  log.setLevels({ all: 'ERROR', turn: 'DEBUG' });
  turn.debug('of a logger that was there');
  log.scope('dns').warn('hidden too');
  log.scope('dns').error('of a new logger');
  log.setLevels({ all: 'INFO' });
  turn.debug('hidden again');
  log.scope('dns').info('as before');
  t.same(lines().map(messageOf), ['of a logger that was there', 'of a new logger', 'as before']);
  t.end();
});

t.test('JSON lines', (t) => {
  const { log, lines } = openLog('json', { all: 'INFO' });
  log.scope('gateway').info({ listeners: ['a', 'b'] }, 'gateway is ready');
  t.match(JSON.parse(lines()[0]!), {
    level: 'info',
    time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    scope: 'gateway',
    listeners: ['a', 'b'],
    msg: 'gateway is ready',
  });
  t.end();
});

t.test('text for people', (t) => {
  const { log, lines } = openLog('text', { all: 'INFO' });
  log.scope('turn').warn({ user: 'alice', code: 486, relayed: ['127.0.0.1:1'] }, 'refused');
  log.scope('gateway').info('ready');
  const [first, second] = lines();
  t.match(first, /^\S+Z WARN turn: refused user="alice" code=486 relayed=\["127\.0\.0\.1:1"\]$/);
  t.match(second, /^\S+Z INFO gateway: ready$/);
  t.end();
});

t.test('text of clients cannot forge a line', (t) => {
  const user = 'eve\n2030-01-01T00:00:00.000Z INFO gateway: all is well\r\u001b[2J\u0000"\\';
  for (const format of ['json', 'text'] as const) {
    const { log, lines } = openLog(format, { all: 'INFO' });
    log.write({ level: 'warn', scope: 'turn', message: 'refused', fields: { user } });
    t.equal(lines().length, 1, 'one line');
    // eslint-disable-next-line no-control-regex
    t.notMatch(lines()[0], /[\u0000-\u001f]/, 'no control characters');
    t.ok(lines()[0]!.includes(JSON.stringify(user)), 'nothing of it is lost');
  }
  t.end();
});

t.test('secrets never reach the log', (t) => {
  const keys = [
    'password',
    'credential',
    'credentials',
    'secret',
    'secrets',
    'key',
    'apiKeys',
    'authorization',
  ];
  for (const format of ['json', 'text'] as const) {
    for (const key of keys) {
      const values: LogRecord['fields'][] = [
        { [key]: CANARY },
        { [key]: [CANARY] },
        { [key]: { deep: { down: CANARY } } },
        { request: { [key]: CANARY } },
      ];
      for (const fields of values) {
        const { log, lines } = openLog(format, { all: 'INFO' });
        log.write({ level: 'info', scope: 'ice', message: 'answered', fields });
        t.notMatch(lines()[0], CANARY, `${format} ${JSON.stringify(fields)}`);
        t.match(lines()[0], '***');
      }
    }
  }
  t.end();
});

t.test('lines wait for whoever takes them', (t) => {
  const { taker, taken } = openTaker();
  const output = new LogOutput(taker.take);
  output.write('first\n');
  output.write('second\n');
  output.write('third\n');
  t.equal(output.rest.toString(), 'second\nthird\n', 'not offered yet');
  taker.answer(2);
  t.same(taken(), 'fi', 'a part');
  taker.answer(4);
  taker.answer(13);
  t.same(taken(), 'first\nsecond\nthird\n', 'the rest, and then all that waited');
  t.equal(output.rest.length, 0);
  t.end();
});

t.test('lines that cannot be written are tried again', (t) => {
  const time = mock.timers;
  time.enable({ apis: ['setTimeout'] });
  t.teardown(() => time.reset());
  const { taker, taken } = openTaker();
  const output = new LogOutput(taker.take);
  output.write('first\n');
  taker.refuse();
  output.write('second\n');
  t.equal(output.rest.toString(), 'first\nsecond\n', 'for a last try');
  time.tick(LOG_RETRY_SECONDS * 1000);
  taker.answer(6);
  taker.answer(7);
  t.equal(taken(), 'first\nsecond\n');
  t.equal(output.lostLines, 0);
  t.end();
});

t.test('lines beyond the bound are lost, counted and told of', (t) => {
  const { taker, taken } = openTaker();
  const output = new LogOutput(taker.take);
  const log = new Log({ format: 'json', levels: {} }, output);
  const text = 'x'.repeat(1000);
  const written = 2 + Math.ceil(LOG_WAITING_BYTES_MAX / text.length);
  for (let count = 0; count < written; count++) log.scope('turn').info(text);
  const lost = log.lostLines;
  t.ok(lost > 0, `${lost} lines`);
  t.ok(output.rest.length <= LOG_WAITING_BYTES_MAX, `${output.rest.length} bytes wait`);
  while (taker.isAsked) taker.answer(Infinity);
  const lines = taken().split('\n').slice(0, -1);
  t.equal(lines.length, written - lost + 1);
  t.match(JSON.parse(lines.at(-1)!), { level: 'warn', scope: 'gateway', lines: lost });
  log.scope('turn').info('all is well again');
  taker.answer(Infinity);
  t.equal(log.lostLines, lost);
  t.equal(messageOf(taken().split('\n').at(-2)!), 'all is well again', 'told of once');
  t.end();
});

t.test('how many lines were lost is told, however long those are that wait', (t) => {
  const { taker, taken } = openTaker();
  const output = new LogOutput(taker.take);
  const log = new Log({ format: 'json', levels: {} }, output);
  log.scope('turn').info('offered');
  const long = 'x'.repeat(1000);
  while (log.lostLines === 0) log.scope('turn').info(long);
  for (let lost = log.lostLines; log.lostLines < lost + 3;) log.scope('turn').info('x');
  const { lostLines } = log;
  while (taker.isAsked) taker.answer(Infinity);
  const told = taken()
    .split('\n')
    .filter((line) => line.includes('were lost'));
  t.equal(told.length, 1);
  t.match(JSON.parse(told[0]!), { lines: lostLines });
  t.end();
});

/** Takes lines when the test says so. */
function openTaker() {
  let text = '';
  let asked: Parameters<TakeBytes> | undefined;
  const next = (): Parameters<TakeBytes> => {
    const [bytes, done] = asked!;
    asked = undefined;
    return [bytes, done];
  };
  const taker = {
    take: (...what: Parameters<TakeBytes>) => void (asked = what),
    get isAsked() {
      return asked !== undefined;
    },
    answer(byteLength: number) {
      const [bytes, done] = next();
      const part = bytes.subarray(0, byteLength);
      text += Buffer.from(part).toString();
      done(null, part.length);
    },
    refuse: () => next()[1](new Error('the disk is full'), 0),
  };
  return { taker, taken: () => text };
}

function openLog(
  format: 'json' | 'text',
  levels: Record<string, LogLevel>,
): { log: Log; lines: () => string[] } {
  let text = '';
  const log = new Log({ format, levels }, { write: (chunk) => void (text += chunk) });
  return { log, lines: () => text.split('\n').slice(0, -1) };
}

function messageOf(line: string): string {
  return (JSON.parse(line) as { msg: string }).msg;
}
