import t from 'tap';
import type { LogLevel } from '../src/config/gateway-config.ts';
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
