import * as fc from 'fast-check';
import t from 'tap';

import { COMPATIBLE_SERVICES } from '../../src/config/compatible-services.ts';
import { createIceApp } from '../../src/http/ice/app.ts';
import {
  ephemeralAuth,
  gateway,
  sourceOf,
  staticAuth,
  staticListeners,
} from './fixtures/ice-gateways.ts';
import { viewRequests } from './fixtures/view-requests.ts';

const RUNS = 10_000;
const SECRETS = ['canary-secret', 'canary-key-one', 'canary-key-two'];
const PASSWORD = 'canary-password';
const BASIC = `Basic ${Buffer.from('user:canary-key-one').toString('base64')}`;

const app = createIceApp({
  source: sourceOf(
    gateway({ ...ephemeralAuth, secrets: ['canary-secret'] }, staticListeners),
    gateway({ ...staticAuth, users: [{ username: 'user1', password: PASSWORD }] }, staticListeners),
  ),
  apiKeys: ['canary-key-one', 'canary-key-two'],
  cors: ['https://app.example.org'],
  compat: COMPATIBLE_SERVICES,
  rateLimit: { requestsMax: Number.MAX_SAFE_INTEGER, windowMilliseconds: 1000 },
});

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 300 }));
const name = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'service',
      'username',
      'ttl',
      'iceTransportPolicy',
      'namespace',
      'gateway',
    ),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'listener',
      'public-addr',
      'key',
      'api',
      'apiKey',
      'customIdentifier',
      'expire',
      'Ttl',
      'format',
      'Service',
      'service[]',
      'ttl ',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'hasOwnProperty',
    ),
  },
  { weight: 1, arbitrary: text },
);
const value = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'turn',
      '',
      'testnamespace',
      'testgateway',
      'udp',
      '::1',
      '-1',
      '1e9',
      '0',
    ),
  },
  { weight: 1, arbitrary: fc.integer().map(String) },
  { weight: 1, arbitrary: fc.bigInt().map(String) },
  { weight: 2, arbitrary: text },
);
const pairs = fc.array(fc.tuple(name, value), { maxLength: 6 });
const encoded = pairs.map((all) =>
  all.map(([key, content]) => `${percentEncoded(key)}=${percentEncoded(content)}`).join('&'),
);
const rawQuery = fc.oneof(
  { weight: 4, arbitrary: encoded },
  { weight: 1, arbitrary: asciiUrlText() },
);
const path = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('/', '/ice') },
  {
    weight: 8,
    arbitrary: fc.constantFrom(...viewRequests().map(({ inject }) => inject.url as string)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '/ice/',
      '/ICE',
      '/%69ce',
      '/../ice',
      '/docs/../../x',
      '/docs/static/%2e%2e/x',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '/openapi.json',
      '/docs/json',
      '/docs/yaml',
      '/docs/static/',
      '/%',
      '/%ff',
      '/*',
    ),
  },
  {
    weight: 1,
    arbitrary: asciiUrlText()
      .map((tail) => `/${tail}`)
      .filter(isUrlPath),
  },
);
const body = fc.oneof(
  encoded,
  fc.json({ maxDepth: 2 }),
  pairs.map((all) => JSON.stringify(Object.fromEntries(all))),
  pairs.map(
    (all) =>
      `{${all.map(([key, content]) => `${JSON.stringify(key)}:${JSON.stringify(content)}`).join()}}`,
  ),
  text,
  fc.integer({ min: 0, max: 5000 }).map((length) => '['.repeat(length)),
);
const contentType = fc.oneof(
  fc.constantFrom(
    'application/json',
    'application/x-www-form-urlencoded',
    'application/JSON; charset=x',
    'text/plain',
  ),
  fc.constantFrom('', ';', 'multipart/form-data', 'application/json;;', 'a/b; c="'),
  headerText(),
);
const authorization = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('Bearer canary-key-one', 'bearer canary-key-two', BASIC),
  },
  { weight: 1, arbitrary: fc.constantFrom('Bearer', 'Bearer ', 'Basic Y2FuYXJ5') },
  { weight: 1, arbitrary: headerText() },
);
const headers = fc.record(
  {
    authorization,
    accept: fc.oneof(
      fc.constantFrom('application/json', '*/*', 'application/json;q=0'),
      headerText(),
    ),
    origin: headerText(),
    host: headerText(),
  },
  { requiredKeys: ['authorization'] },
);
const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'),
  path,
  query: rawQuery,
  isServiceGiven: fc.boolean(),
  headers,
  contentType,
  body,
});

t.test('no request makes the ICE API fail or tell a secret', { timeout: 120_000 }, async (t) => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() & 0x7fffffff);
  t.comment(`seed ${seed}`);
  const answersByStatus = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(request, async (input) => {
      const response = await app.inject({
        method: input.method as 'GET',
        url: `${input.path}?${input.isServiceGiven ? 'service=turn&' : ''}${input.query}`,
        headers: { ...input.headers, 'content-type': input.contentType },
        ...(input.method === 'GET' || input.method === 'HEAD' ? {} : { payload: input.body }),
      });
      const { statusCode } = response;
      answersByStatus.set(statusCode, (answersByStatus.get(statusCode) ?? 0) + 1);
      if (statusCode >= 500) throw new Error(`status ${statusCode}: ${response.body}`);
      const answer = JSON.stringify(response.headers) + response.body;
      const hidden = statusCode < 300 ? SECRETS : [...SECRETS, PASSWORD];
      for (const secret of hidden) if (answer.includes(secret)) throw new Error(`tells ${secret}`);
      if (response.headers['cache-control'] !== 'no-store') throw new Error('may be cached');
    }),
    { numRuns: RUNS, seed },
  );
  t.comment(`answers by status: ${JSON.stringify([...answersByStatus])}`);
  for (const status of [200, 201, 400, 401, 404, 405, 413]) {
    t.ok((answersByStatus.get(status) ?? 0) > 0, `some requests were answered ${status}`);
  }
  t.same(Object.keys(Object.prototype), [], 'nothing was polluted');
});

/** Encodes UTF-8 bytes, also those of lone surrogates, without ever throwing. */
function percentEncoded(content: string): string {
  return encodeURIComponent(Buffer.from(content).toString());
}

function asciiUrlText() {
  return fc.string({
    unit: fc.constantFrom(...Array.from('abz019%&=+;,?/\\.~[]{}"<>|^`:@!$\'()*')),
    maxLength: 40,
  });
}

/** What `inject` can send: it builds a URL first. */
function isUrlPath(tail: string): boolean {
  return URL.canParse(`${tail}?`, 'http://localhost');
}

function headerText() {
  return fc.string({ unit: 'grapheme-ascii', maxLength: 40 });
}
