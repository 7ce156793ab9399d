import t from 'tap';
import { createAdminApp, type AdminAppOptions } from '../../src/http/admin/app.ts';
import type { AuditRecord } from '../../src/http/admin/audit.ts';
import { FailureLimiter } from '../../src/http/admin/failure-limiter.ts';
import { RefusalReporter, type RefusalRecord } from '../../src/http/admin/refusals.ts';
import { MemoryGateway } from './fixtures/memory-gateway.ts';

const URL = '/api/v1/status';
const TOKEN = 'canary-token';
const UNLIMITED = { requestsMax: 1_000_000, windowMilliseconds: 1000 };
const UNTHROTTLED = { failuresMax: 1_000_000, windowMilliseconds: 1000, addressesMax: 10 };

function open(options: Partial<AdminAppOptions> = {}) {
  const refused: string[] = [];
  const control = new MemoryGateway();
  const app = createAdminApp({
    control,
    rateLimit: UNLIMITED,
    failureLimits: UNTHROTTLED,
    countRefusal: (reason) => refused.push(reason),
    ...options,
  });
  return { app, control, refused };
}

t.test('a token admits, and nothing else does', async (t) => {
  const { app, refused } = open({ token: TOKEN });
  const admitted: readonly Record<string, string>[] = [
    { authorization: `Bearer ${TOKEN}` },
    { authorization: `bearer   ${TOKEN}` },
    { authorization: `Bearer ${TOKEN}`, host: 'gateway.example.org' },
    { authorization: `Bearer ${TOKEN}`, origin: 'https://console.example.org' },
    { authorization: `Bearer ${TOKEN}`, 'sec-fetch-site': 'cross-site' },
  ];
  for (const headers of admitted) {
    const { statusCode } = await app.inject({ url: URL, headers, remoteAddress: '192.0.2.1' });
    t.equal(statusCode, 200, JSON.stringify(headers));
  }
  t.strictSame(refused, []);

  const strangers: readonly [Record<string, string>, string][] = [
    [{}, 'missing'],
    [{ authorization: '' }, 'wrong'],
    [{ authorization: TOKEN }, 'wrong'],
    [{ authorization: 'Bearer' }, 'wrong'],
    [{ authorization: 'Bearer ' }, 'wrong'],
    [{ authorization: `Basic ${TOKEN}` }, 'wrong'],
    [{ authorization: `Bearer ${TOKEN}x` }, 'wrong'],
    [{ authorization: `Bearer ${TOKEN.slice(1)}` }, 'wrong'],
    [{ authorization: `Bearer ${TOKEN.toUpperCase()}` }, 'wrong'],
    [{ authorization: 'Bearer undefined' }, 'wrong'],
    [{ cookie: `token=${TOKEN}` }, 'missing'],
  ];
  for (const [headers, reason] of strangers) {
    const name = JSON.stringify(headers);
    const response = await app.inject({ url: URL, headers });
    t.equal(response.statusCode, 401, name);
    t.equal(response.headers['www-authenticate'], 'Bearer realm="turnpike"', name);
    t.match(response.json(), { code: 'API_ERR_UNAUTHENTICATED', error: 'Unauthorized' }, name);
    t.equal(refused.pop(), reason, name);
  }
  t.equal((await app.inject(`${URL}?token=${TOKEN}`)).statusCode, 401, 'not in the query');
});

t.test('every path and method of the API asks for the token', async (t) => {
  const { app, control } = open({ token: TOKEN });
  const requests = [
    ['GET', 'config'],
    ['GET', 'sessions'],
    ['GET', 'routes'],
    ['GET', 'metrics/live'],
    ['GET', 'events'],
    ['DELETE', 'sessions/s1'],
    ['DELETE', 'sessions?user=alice'],
    ['POST', 'reload'],
    ['POST', 'drain'],
    ['POST', 'undrain'],
    ['POST', 'revoke'],
    ['POST', 'loglevel'],
    ['POST', 'test/credential'],
    ['POST', 'test/echo'],
    ['GET', 'nope'],
    ['PUT', 'status'],
  ] as const;
  for (const [method, path] of requests) {
    const { statusCode } = await app.inject({ method, url: `/api/v1/${path}` });
    t.equal(statusCode, 401, `${method} ${path}`);
  }
  t.equal(control.live.length, 3);
  t.strictSame(control.reloads, []);
  t.equal(control.state, 'running');
});

t.test('a token that is empty admits nobody', async (t) => {
  const { app } = open({ token: '' });
  for (const authorization of ['Bearer ', 'Bearer', '', 'Bearer x']) {
    const { statusCode } = await app.inject({ url: URL, headers: { authorization } });
    t.equal(statusCode, 401, authorization);
  }
  t.equal((await app.inject(URL)).statusCode, 401);
});

t.test('without a token only programs and pages of this machine are heard', async (t) => {
  const { app, refused } = open();
  const own = { host: '127.0.0.1:8087' };
  const admitted: readonly Record<string, string>[] = [
    own,
    { host: 'localhost' },
    { host: 'LocalHost:8087' },
    { host: '127.8.9.10:1' },
    { host: '[::1]:8087' },
    { host: '[::1]' },
    { ...own, origin: 'http://127.0.0.1:8087' },
    { ...own, 'sec-fetch-site': 'same-origin' },
    { ...own, 'sec-fetch-site': 'none' },
    { ...own, authorization: 'Bearer whatever' },
  ];
  for (const headers of admitted) {
    const { statusCode } = await app.inject({ url: URL, headers });
    t.equal(statusCode, 200, JSON.stringify(headers));
  }
  for (const remoteAddress of ['127.0.0.2', '::1', '::ffff:127.0.0.1']) {
    const { statusCode } = await app.inject({ url: URL, headers: own, remoteAddress });
    t.equal(statusCode, 200, remoteAddress);
  }
  t.strictSame(refused, []);

  const strangers: readonly [Record<string, string>, string][] = [
    ...[
      'evil.example',
      'evil.example:8087',
      '127.0.0.1.evil.example',
      'localhost.evil.example:8087',
      'evil.example@127.0.0.1',
      '127.0.0.1:8087:80',
      '128.0.0.1',
      '0.0.0.0:8087',
      '::1',
      '[::2]',
      '[::1',
      '[localhost.evil]',
    ].map((host): [Record<string, string>, string] => [{ host }, 'host']),
    ...[
      'http://evil.example',
      'http://127.0.0.1',
      'http://127.0.0.1:3000',
      'http://localhost:8087',
      'https://127.0.0.1:8087',
      'null',
      '',
    ].map((origin): [Record<string, string>, string] => [{ ...own, origin }, 'cross-site']),
    [{ ...own, 'sec-fetch-site': 'cross-site' }, 'cross-site'],
    [{ ...own, 'sec-fetch-site': 'same-site' }, 'cross-site'],
    [{ host: 'evil.example', origin: 'http://evil.example' }, 'host'],
  ];
  for (const [headers, reason] of strangers) {
    for (const method of ['GET', 'POST'] as const) {
      const url = method === 'GET' ? URL : '/api/v1/drain';
      const response = await app.inject({ method, url, headers });
      t.equal(response.statusCode, 403, `${method} ${JSON.stringify(headers)}`);
      t.match(response.json(), { code: 'API_ERR_FORBIDDEN' });
      t.equal(refused.pop(), reason, `${method} ${JSON.stringify(headers)}`);
    }
  }
  for (const remoteAddress of ['192.0.2.1', '10.0.0.1', '::ffff:192.0.2.1', '2001:db8::1']) {
    const { statusCode } = await app.inject({ url: URL, headers: own, remoteAddress });
    t.equal(statusCode, 403, remoteAddress);
  }
});

t.test('who acted without a token is the address', async (t) => {
  const records: AuditRecord[] = [];
  const { app } = open({ audit: (record) => records.push(record) });
  const headers = { host: 'localhost' };
  await app.inject({ method: 'POST', url: '/api/v1/drain', headers, remoteAddress: '127.0.0.9' });
  t.match(records, [{ actor: { kind: 'loopback', name: '127.0.0.9' }, action: 'drain' }]);
});

t.test('required client certificates are asked for where there is no TLS', async (t) => {
  const { app } = open({ clientAuth: 'require' });
  t.equal((await app.inject({ url: URL, headers: { host: 'localhost' } })).statusCode, 401);
});

t.test('failed logins of one address', async (t) => {
  const limits = { failuresMax: 2, windowMilliseconds: 3_600_000, addressesMax: 10 };
  const { app, refused } = open({ token: TOKEN, failureLimits: limits });
  const from = async (remoteAddress: string, token: string) =>
    app.inject({ url: URL, remoteAddress, headers: { authorization: `Bearer ${token}` } });
  t.equal((await from('192.0.2.1', 'a')).statusCode, 401);
  t.equal((await from('192.0.2.1', TOKEN)).statusCode, 200);
  t.equal((await from('192.0.2.1', 'b')).statusCode, 401);
  const waiting = await from('192.0.2.1', 'c');
  t.equal(waiting.statusCode, 429);
  t.equal(waiting.headers['retry-after'], '3600');
  t.match(waiting.json(), { code: 'API_ERR_RATE_LIMIT', message: 'too many failed logins' });
  t.equal((await from('192.0.2.1', TOKEN)).statusCode, 200, 'who has it is not locked out');
  t.equal((await from('192.0.2.2', 'c')).statusCode, 401, 'another address');
  t.strictSame(refused, ['wrong', 'wrong', 'throttled', 'wrong']);
  t.equal((await from('2001:db8::1', 'a')).statusCode, 401);
  t.equal((await from('2001:db8::2', 'a')).statusCode, 401);
  t.equal((await from('2001:db8::3', 'a')).statusCode, 429, 'neighbours in one /64');
});

t.test('the failure limiter', async (t) => {
  let now = 0;
  const limits = { failuresMax: 2, windowMilliseconds: 1000, addressesMax: 2 };
  const limiter = new FailureLimiter(limits, () => now);
  limiter.fail('a');
  t.equal(limiter.waitSeconds('a'), 0);
  limiter.fail('a');
  t.equal(limiter.waitSeconds('a'), 1);
  t.equal(limiter.waitSeconds('b'), 0);
  now = 999;
  t.equal(limiter.waitSeconds('a'), 1);
  now = 1000;
  t.equal(limiter.waitSeconds('a'), 0, 'the window is over');
  limiter.fail('a');
  t.equal(limiter.waitSeconds('a'), 0, 'and counting began anew');
  limiter.fail('a');
  limiter.fail('b');
  limiter.fail('c');
  t.equal(limiter.waitSeconds('a'), 0, 'the one that began first is forgotten for a third');
  limiter.fail('c');
  t.equal(limiter.waitSeconds('c'), 1);
});

t.test('refusals are reported once a second for each reason', async (t) => {
  let now = 5000;
  const records: RefusalRecord[] = [];
  const reporter = new RefusalReporter(
    (record) => records.push(record),
    () => now,
  );
  for (const address of ['a', 'b', 'c']) reporter.note('wrong', address);
  reporter.note('missing', 'd');
  now = 5999;
  reporter.note('wrong', 'e');
  now = 6000;
  reporter.note('wrong', 'f');
  reporter.note('missing', 'g');
  t.strictSame(records, [
    { reason: 'wrong', clientAddress: 'a', suppressed: 0 },
    { reason: 'missing', clientAddress: 'd', suppressed: 0 },
    { reason: 'wrong', clientAddress: 'f', suppressed: 3 },
    { reason: 'missing', clientAddress: 'g', suppressed: 0 },
  ]);
});
