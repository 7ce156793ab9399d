import { randomUUID } from 'node:crypto';

import t from 'tap';

import { GatewayError } from '../../src/errors.ts';
import { createIceApp, type IceAppOptions } from '../../src/http/ice/app.ts';
import { assertProtected } from '../../src/http/protection.ts';
import type { HttpLogRecord } from '../../src/http/shared/answer-log.ts';
import { ephemeralGateway, sourceOf, staticGateway } from './fixtures/ice-gateways.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_TYPE = { 'content-type': 'application/json' };
const LONG_WINDOW = 3_600_000;

function open(options: Partial<IceAppOptions> = {}) {
  return createIceApp({
    source: sourceOf(staticGateway),
    rateLimit: { requestsMax: 1_000_000, windowMilliseconds: LONG_WINDOW },
    ...options,
  });
}

t.test('API keys', async (t) => {
  const app = open({ apiKeys: ['first key', 'second'] });
  const admitted: readonly object[] = [
    { url: '/ice?service=turn', headers: { authorization: 'Bearer second' } },
    { url: '/ice?service=turn', headers: { authorization: 'bearer   first key' } },
    { url: '/?service=turn&key=first+key' },
    { url: '/?service=turn&api=second' },
    { url: '/?service=turn&api=second&key=wrong' },
    { url: '/?service=turn&key=second', headers: { authorization: 'Bearer wrong' } },
    { url: '/?service=turn&key=second&key=wrong' },
    { method: 'HEAD', url: '/ice?service=turn&key=second' },
    { method: 'POST', url: '/', headers: FORM, payload: 'service=turn&api=second&key=second' },
    { method: 'POST', url: '/?service=turn&key=second', headers: FORM, payload: 'key=wrong' },
    {
      method: 'POST',
      url: '/ice',
      headers: JSON_TYPE,
      payload: '{"service":"turn","key":"second"}',
    },
  ];
  for (const request of admitted)
    t.equal((await app.inject(request)).statusCode, 200, JSON.stringify(request));

  const refused: readonly object[] = [
    { url: '/ice?service=turn' },
    { url: '/' },
    { url: '/ice?service=x&ttl=x' },
    { url: '/ice?service=turn&key=' },
    { url: '/ice?service=turn&key=wrong' },
    { url: '/ice?service=turn&key=SECOND' },
    { url: '/ice?service=turn&key=second%00' },
    { url: '/ice?service=turn&key=wrong&key=second' },
    { url: '/ice?service=turn&api=wrong' },
    { url: '/ice?service=turn', headers: { authorization: 'second' } },
    { url: '/ice?service=turn', headers: { authorization: 'Basic second' } },
    { url: '/ice?service=turn', headers: { authorization: 'Bearer ' } },
    { url: '/ice?service=turn', headers: { authorization: 'Bearer wrong' } },
    {
      method: 'POST',
      url: '/ice?service=turn',
      headers: { 'content-type': 'text/plain' },
      payload: 'key=second',
    },
    { method: 'POST', url: '/ice?service=turn', headers: JSON_TYPE, payload: '{"key":' },
    {
      method: 'POST',
      url: '/ice?service=turn',
      headers: JSON_TYPE,
      payload: '{"__proto__":{"key":"second"}}',
    },
    { method: 'POST', url: '/ice?service=turn&key=wrong', headers: FORM, payload: 'key=second' },
  ];
  for (const request of refused) {
    const response = await app.inject(request);
    t.equal(response.statusCode, 401, JSON.stringify(request));
    t.equal(response.body, 'a valid API key is required\n');
    t.equal(response.headers['www-authenticate'], 'Bearer realm="turnpike"');
  }
  const json = await app.inject({ url: '/ice', headers: { accept: 'application/json' } });
  t.match(json.json(), { statusCode: 401, code: 'ICE_ERR_API_KEY', error: 'Unauthorized' });
});

t.test('an empty key admits nobody', async (t) => {
  const app = open({ apiKeys: [''] });
  for (const url of [
    '/ice?service=turn',
    '/ice?service=turn&key=',
    '/ice?service=turn&key=undefined',
  ]) {
    t.equal((await app.inject(url)).statusCode, 401, url);
  }
});

t.test('beyond loopback a key or a certificate is demanded', async (t) => {
  for (const host of ['127.0.0.1', '127.255.0.1', '::1', 'localhost', 'LOCALHOST']) {
    t.doesNotThrow(() => assertProtected(host, {}), host);
  }
  const reachable = [
    '',
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '126.255.255.255',
    '128.0.0.1',
    '::2',
    '::ffff:127.0.0.1',
    '127.0.0.1.example.org',
    'example.org',
  ];
  for (const host of reachable) {
    for (const protection of [
      {},
      { apiKeys: [] },
      { apiKeys: [''] },
      { apiKeys: ['', ''], clientAuth: 'none' },
      { apiKeys: [], clientAuth: 'request' },
    ] as const) {
      t.throws(
        () => assertProtected(host, protection),
        { name: 'GatewayError', code: 'GW_ERR_HTTP_UNPROTECTED' },
        host,
      );
    }
    t.doesNotThrow(() => assertProtected(host, { apiKeys: ['key'] }), host);
    t.doesNotThrow(() => assertProtected(host, { clientAuth: 'require' }), host);
  }
});

t.test('rate limit', async (t) => {
  const limited = { rateLimit: { requestsMax: 2, windowMilliseconds: LONG_WINDOW } };
  const url = '/ice?service=turn';

  t.test('per address, over all routes', async (t) => {
    const app = open(limited);
    const from = async (remoteAddress: string, path: string, accept = '*/*') =>
      app.inject({
        url: path,
        remoteAddress,
        headers: { accept, 'x-forwarded-for': randomUUID() },
      });
    t.equal((await from('192.0.2.1', url)).statusCode, 200);
    t.equal((await from('192.0.2.1', '/nope')).statusCode, 404);
    const text = await from('192.0.2.1', url);
    t.equal(text.statusCode, 429);
    t.equal(text.body, 'too many requests\n');
    t.equal(text.headers['retry-after'], String(LONG_WINDOW / 1000));
    t.match((await from('192.0.2.1', '/', 'application/json')).json(), {
      statusCode: 429,
      code: 'ICE_ERR_RATE_LIMIT',
    });
    t.equal((await from('192.0.2.1', '/nope')).statusCode, 429);
    t.equal((await from('192.0.2.1', '/openapi.json')).statusCode, 429);
    t.equal((await from('192.0.2.2', url)).statusCode, 200);
    t.equal((await from('2001:db8::1', url)).statusCode, 200);
  });

  t.test('per key when it is valid', async (t) => {
    const app = open({ ...limited, apiKeys: ['one', 'two'] });
    const statuses = async (...keys: readonly string[]) => {
      const all: number[] = [];
      for (const key of keys) all.push((await app.inject(`${url}&key=${key}`)).statusCode);
      return all;
    };
    t.same(
      await statuses('one', 'one', 'one', 'two', 'two', 'two'),
      [200, 200, 429, 200, 200, 429],
    );
    t.same(
      await statuses('x1', 'x2', 'x3', 'x4'),
      [401, 401, 429, 429],
      'ever new wrong keys do not escape',
    );
  });

  t.test('neighbours in one IPv6 /64 are one client', async (t) => {
    const app = open(limited);
    const all: number[] = [];
    for (const last of ['1', '2', '3']) {
      all.push((await app.inject({ url, remoteAddress: `2001:db8:0:1::${last}` })).statusCode);
    }
    t.same(all, [200, 200, 429]);
  });

  t.test('50 by default', async (t) => {
    const response = await createIceApp({ source: sourceOf(staticGateway) }).inject(url);
    t.match(response.headers, { 'x-ratelimit-limit': '50', 'x-ratelimit-remaining': '49' });
  });
});

t.test('CORS', async (t) => {
  const app = open({ apiKeys: ['k'], cors: ['https://app.example.org', 'capacitor://localhost'] });
  const preflight = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization',
  };
  for (const origin of ['https://app.example.org', 'capacitor://localhost']) {
    const asked = await app.inject({
      method: 'OPTIONS',
      url: '/ice',
      headers: { origin, ...preflight },
    });
    t.equal(asked.statusCode, 204, 'preflight needs no key');
    t.match(asked.headers, {
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-headers': /Authorization/,
      'cache-control': 'no-store',
    });
    const answered = await app.inject({ url: '/ice?service=turn&key=k', headers: { origin } });
    t.equal(answered.headers['access-control-allow-origin'], origin);
    t.match(answered.headers.vary, /Origin/);
    t.notOk('access-control-allow-credentials' in answered.headers);
    t.equal(
      (await app.inject({ url: '/ice', headers: { origin } })).headers[
        'access-control-allow-origin'
      ],
      origin,
      '401',
    );
  }
  const strangers = [
    'https://app.example.org.evil',
    'http://app.example.org',
    'https://app.example.org:8443',
    'null',
    '*',
  ];
  for (const origin of strangers) {
    for (const method of ['GET', 'OPTIONS'] as const) {
      const response = await app.inject({
        method,
        url: '/ice?service=turn&key=k',
        headers: { origin, ...preflight },
      });
      t.notOk('access-control-allow-origin' in response.headers, `${method} ${origin}`);
    }
  }
});

t.test('CORS is off by default', async (t) => {
  const headers = { origin: 'https://a.example', 'access-control-request-method': 'GET' };
  t.notOk(
    'access-control-allow-origin' in
      (await open().inject({ url: '/ice?service=turn', headers })).headers,
  );
  t.equal((await open().inject({ method: 'OPTIONS', url: '/ice', headers })).statusCode, 405);
});

t.test('CORS takes exact origins only', async (t) => {
  for (const origin of [
    '*',
    'https://*.example.org',
    'https://a.example/',
    'a.example',
    'null',
    '',
    'https://',
  ]) {
    t.throws(() => open({ cors: [origin] }), new GatewayError('GW_ERR_CONFIG_INVALID', ''), origin);
  }
});

t.test('every answer forbids caching, sniffing and framing', async (t) => {
  const app = open({ apiKeys: ['k'] });
  const requests: readonly object[] = [
    { url: '/ice?service=turn&key=k' },
    { url: '/?service=turn&key=k' },
    { url: '/ice' },
    { url: '/nope' },
    { url: '/%zz' },
    { method: 'DELETE', url: '/ice' },
    { method: 'POST', url: '/ice', payload: 'x'.repeat(5000) },
    { url: '/openapi.json' },
    { url: '/docs' },
    { url: '/docs/' },
    { url: '/docs/json' },
    { url: '/docs/static/swagger-ui.css' },
    { url: '/docs/static/nope' },
  ];
  for (const request of requests) {
    const name = JSON.stringify(request).slice(0, 60);
    const { headers } = await app.inject(request);
    t.equal(headers['cache-control'], 'no-store', name);
    t.equal(headers['x-content-type-options'], 'nosniff', name);
    t.equal(headers['referrer-policy'], 'no-referrer', name);
    t.match(headers['content-security-policy'], /frame-ancestors 'none'/, name);
  }
});

t.test('slow and idle clients are cut off', async (t) => {
  const { server } = open();
  t.equal(server.headersTimeout, 5000);
  t.equal(server.requestTimeout, 5000);
  t.equal(server.keepAliveTimeout, 30_000);
  t.equal(server.timeout, 30_000);
  t.equal(server.maxConnections, 1024);
});

t.test('log records hold nothing that the client wrote, and no secret', async (t) => {
  const records: HttpLogRecord[] = [];
  const source = sourceOf(ephemeralGateway, {
    ...staticGateway,
    issue: (userId) => {
      if (userId === 'boom') throw new Error('broken');
      return undefined;
    },
  });
  const app = open({ source, apiKeys: ['canary-key'], log: (record) => records.push(record) });
  for (const request of [
    { url: '/ice?service=turn&key=canary-key&username=canary-user' },
    {
      url: '/ice?service=turn&key=canary-wrong',
      headers: { authorization: 'Bearer canary-bearer' },
    },
    { url: '/canary-path?canary' },
    { method: 'DELETE', url: '/canary-path' } as const,
    {
      method: 'POST',
      url: '/',
      headers: FORM,
      payload: 'key=canary-key&service=turn&username=canary-form',
    } as const,
  ]) {
    await app.inject(request);
  }
  t.match(
    records.map(({ method, route, statusCode }) => `${method} ${route} ${statusCode}`),
    ['GET /ice 200', 'GET /ice 401', 'GET unknown 404', 'DELETE unknown 404', 'POST / 200'],
  );
  t.notMatch(JSON.stringify(records), /canary|my-secret/);

  const failed = await app.inject('/ice?service=turn&key=canary-key&username=boom');
  t.equal(failed.statusCode, 500);
  t.equal(failed.body, 'internal server error\n');
  t.match(records.at(-1), { statusCode: 500, failure: { message: 'broken' } });
});

t.test('the documentation loads nothing from elsewhere', async (t) => {
  const app = open({ apiKeys: ['k'] });
  for (const page of ['/docs', '/docs/']) {
    const response = await app.inject(page);
    t.equal(response.statusCode, 200, page);
    t.match(response.headers['content-security-policy'], /^default-src 'self';/);
    const links = [...response.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, link]) => link ?? '',
    );
    t.ok(links.length >= 5);
    for (const link of links) {
      const { origin, pathname } = new URL(link, `http://gateway${page}`);
      t.equal(origin, 'http://gateway', link);
      t.equal((await app.inject(pathname)).statusCode, 200, pathname);
    }
  }
});
