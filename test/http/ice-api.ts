import { createHmac } from 'node:crypto';

import t from 'tap';

import { createCredentialPolicy } from '../../src/auth/credential-policy.ts';
import { createIceApp, type IceAppOptions } from '../../src/http/ice/app.ts';
import { goJson, goParseInteger, goQuote } from '../../src/http/ice/go-text.ts';
import type { IceGateway } from '../../src/http/ice/ice-source.ts';
import type { UnixSeconds } from '../../src/turn/policy.ts';
import { acceptanceCases, STATIC_URIS } from './fixtures/ice-acceptance-cases.ts';
import {
  ephemeralAuth,
  ephemeralGateway,
  gateway,
  NOW,
  sourceOf,
  staticGateway,
  staticListeners,
} from './fixtures/ice-gateways.ts';

const SERVICE_ERROR = '"\\"service\\" must be \\"turn\\""\n';
const UNLIMITED = { requestsMax: 1_000_000, windowMilliseconds: 1000 };

function open(gateways: readonly IceGateway[], options: Partial<IceAppOptions> = {}) {
  return createIceApp({ source: sourceOf(...gateways), rateLimit: UNLIMITED, ...options });
}

let currentGateways: readonly IceGateway[] = [];
const appsByPublicAddress = new Map<string | undefined, ReturnType<typeof createIceApp>>();

async function get(gateways: readonly IceGateway[], url: string, publicAddress?: string) {
  currentGateways = gateways;
  const source = { gateways: () => currentGateways };
  const app = appsByPublicAddress.get(publicAddress) ?? open([], { source, publicAddress });
  appsByPublicAddress.set(publicAddress, app);
  return app.inject(url);
}

t.test('acceptance cases of the STUNner authentication service', async (t) => {
  for (const {
    name,
    gateways = [staticGateway],
    query,
    publicAddress,
    expected,
  } of acceptanceCases) {
    const ice = await get(gateways, `/ice?${query}`, publicAddress);
    const turn = await get(gateways, `/?${query}`, publicAddress);
    if (typeof expected === 'number') {
      t.equal(ice.statusCode, expected, `/ice ${name}`);
      t.equal(turn.statusCode, expected, `/ ${name}`);
      continue;
    }
    t.equal(
      ice.headers['content-type'],
      'application/json; charset=UTF-8',
      `/ice content type ${name}`,
    );
    t.equal(
      turn.headers['content-type'],
      'application/json; charset=UTF-8',
      `/ content type ${name}`,
    );
    t.same(
      ice.json<{ iceServers: { urls: string[] }[] }>().iceServers.map((server) => server.urls),
      expected,
      `/ice ${name}`,
    );
    t.same(turn.json<{ uris: string[] }>().uris, expected[0], `/ ${name}`);
  }
});

t.test('bodies, byte for byte', async (t) => {
  const issued = createHmac('sha1', 'my-secret').update('1700003600:a&<b>').digest('base64');
  const ephemeral = gateway(ephemeralAuth, [
    { name: 'u', protocol: 'udp', address: '10.0.0.1', port: 3478 },
  ]);
  const cases: readonly [string, IceGateway, string, string][] = [
    [
      'static /ice',
      staticGateway,
      '/ice?service=turn&namespace=dummynamespace',
      '{"iceServers":[{"credential":"pass1","urls":["turn:1.2.3.4:3478?transport=tcp"],"username":"user1"}],"iceTransportPolicy":"all","ttl":86400}\n',
    ],
    [
      'static /',
      staticGateway,
      '/?service=turn&namespace=dummynamespace&ttl=77',
      '{"password":"pass1","ttl":77,"uris":["turn:1.2.3.4:3478?transport=tcp"],"username":"user1"}\n',
    ],
    [
      'ephemeral /ice with HTML characters',
      ephemeral,
      '/ice?service=turn&ttl=3600&username=a%26%3Cb%3E&iceTransportPolicy=relay',
      `{"iceServers":[{"credential":"${issued}","urls":["turn:10.0.0.1:3478?transport=udp"],"username":"1700003600:a\\u0026\\u003cb\\u003e"}],"iceTransportPolicy":"relay","expiresAt":1700003600,"ttl":3600}\n`,
    ],
    [
      'ephemeral / with HTML characters',
      ephemeral,
      '/?service=turn&ttl=3600&username=a%26%3Cb%3E&iceTransportPolicy=relay',
      `{"password":"${issued}","ttl":3600,"uris":["turn:10.0.0.1:3478?transport=udp"],"username":"1700003600:a\\u0026\\u003cb\\u003e"}\n`,
    ],
    [
      'any iceTransportPolicy is echoed',
      staticGateway,
      '/ice?service=turn&namespace=dummynamespace&iceTransportPolicy=x%22y',
      '{"iceServers":[{"credential":"pass1","urls":["turn:1.2.3.4:3478?transport=tcp"],"username":"user1"}],"iceTransportPolicy":"x\\"y","ttl":86400}\n',
    ],
  ];
  for (const [name, only, url, body] of cases) t.equal((await get([only], url)).body, body, name);
});

t.test('ttl', async (t) => {
  const short = gateway({ ...ephemeralAuth, maxTtlSeconds: 600 }, staticListeners);
  const cases: readonly [string, number][] = [
    ['', 600],
    ['&ttl=1', 1],
    ['&ttl=600', 600],
    ['&ttl=601', 600],
    ['&ttl=9223372036854775807', 600],
    ['&ttl=0', 0],
    ['&ttl=-1', 0],
    ['&ttl=%2B5', 5],
  ];
  for (const [query, ttl] of cases) {
    const body = (await get([short], `/ice?service=turn&username=bob${query}`)).json<
      Record<string, unknown>
    >();
    t.match(body, { ttl, expiresAt: NOW + ttl }, `/ice${query}`);
    t.match(body['iceServers'], [{ username: `${NOW + ttl}:bob` }], `username${query}`);
    t.equal(
      (await get([short], `/?service=turn${query}`)).json<{ ttl: number }>().ttl,
      ttl,
      `/${query}`,
    );
  }
  const mixed = (
    await get([staticGateway, short, ephemeralGateway], '/ice?service=turn&ttl=900')
  ).json<object>();
  t.match(mixed, { ttl: 600, expiresAt: NOW + 600 }, 'the credential that ends first counts');
  t.notOk('expiresAt' in (await get([staticGateway], '/ice?service=turn')).json<object>());
});

t.test('a credential with ttl=1 is accepted now and refused two seconds later', async (t) => {
  const [server] = (await get([ephemeralGateway], '/ice?service=turn&username=dummy&ttl=1')).json<{
    iceServers: { username: string }[];
  }>().iceServers;
  const policy = createCredentialPolicy(ephemeralAuth);
  const username = server?.username ?? '';
  t.match(policy.find(username, 'MD5', NOW), { userId: 'dummy' });
  t.equal(policy.find(username, 'MD5', (NOW + 2) as UnixSeconds), 'expired');
});

t.test('errors as text, byte for byte', async (t) => {
  const long = 'é'.repeat(129);
  const cases: readonly [url: string, status: number, body: string][] = [
    ['/', 400, 'Query argument service is required, but not found\n'],
    ['/?service=', 400, 'Query argument service is required, but not found\n'],
    ['/?service=x', 400, `could not generate TURN auth token: ${SERVICE_ERROR}`],
    ['/ice', 400, `could not generate ICE auth token: ${SERVICE_ERROR}`],
    ['/ice?service=', 400, `could not generate ICE auth token: ${SERVICE_ERROR}`],
    ['/ice?service=TURN', 400, `could not generate ICE auth token: ${SERVICE_ERROR}`],
    [
      '/ice?service=turn&ttl=1.5',
      400,
      'Invalid format for parameter ttl: error binding string parameter: strconv.ParseInt: parsing "1.5": invalid syntax\n',
    ],
    [
      '/?service=turn&ttl=',
      400,
      'Invalid format for parameter ttl: error binding string parameter: strconv.ParseInt: parsing "": invalid syntax\n',
    ],
    [
      '/?service=turn&ttl=9223372036854775808',
      400,
      'Invalid format for parameter ttl: error binding string parameter: strconv.ParseInt: parsing "9223372036854775808": value out of range\n',
    ],
    [
      '/ice?service=turn&namespace=x',
      404,
      'could not generate ICE config: no valid listener found\n',
    ],
    [
      '/?service=turn&namespace=x',
      404,
      'could not generate TURN auth token: no valid listener found\n',
    ],
    ['/nope', 404, '404 page not found\n'],
    ['/ice/', 404, '404 page not found\n'],
    ['/ice/x?service=turn', 404, '404 page not found\n'],
    ['/__proto__', 404, '404 page not found\n'],
    [
      '/ice?service=turn&username=a%00b',
      400,
      'Invalid format for parameter username: control characters are not allowed\n',
    ],
    [
      '/ice?service=turn&iceTransportPolicy=a%0Ab',
      400,
      'Invalid format for parameter iceTransportPolicy: control characters are not allowed\n',
    ],
    [
      `/ice?service=turn&username=${encodeURIComponent(long)}`,
      400,
      'Invalid format for parameter username: longer than 256 bytes\n',
    ],
    ...[
      'a%20b',
      'x:1',
      '[1.2.3.4]',
      '1.2.3.256',
      'a/b',
      'h?transport=udp',
      '-a',
      'a..b',
      'a'.repeat(254),
    ].map((host): [string, number, string] => [
      `/ice?service=turn&public-addr=${host}`,
      400,
      'Invalid format for parameter public-addr: not an IP address or a host name\n',
    ]),
    [`/ice?service=turn&x=${'y'.repeat(4096)}`, 414, 'request URL too long\n'],
  ];
  for (const [url, status, body] of cases) {
    const response = await get([staticGateway], url);
    t.equal(response.statusCode, status, url.slice(0, 80));
    t.equal(response.body, body, url.slice(0, 80));
    t.equal(response.headers['content-type'], 'text/plain; charset=utf-8');
    t.equal(response.headers['x-content-type-options'], 'nosniff');
  }
  for (const url of ['/ice?service=turn', '/ice?service=x', '/?service=turn', '/?service=x']) {
    const response = await get([], url);
    t.equal(response.statusCode, 500, `no configuration ${url}`);
    t.equal(response.body, 'no STUNner configuration available\n');
  }
});

t.test('unknown methods are answered 405 without a body, and name the known ones', async (t) => {
  const app = open([staticGateway]);
  const methods = ['DELETE', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'] as const;
  for (const [url, allow] of [
    ['/ice?service=turn', 'GET, HEAD, POST'],
    ['/', 'GET, HEAD, POST'],
    ['/openapi.json', 'GET, HEAD'],
  ] as const) {
    for (const method of methods) {
      const response = await app.inject({ method: method as 'DELETE', url });
      t.equal(response.statusCode, 405, `${method} ${url}`);
      t.equal(response.headers.allow, allow);
      t.equal(response.body, '');
    }
  }
  const json = await app.inject({
    method: 'DELETE',
    url: '/ice',
    headers: { accept: 'application/json' },
  });
  t.match(json.json(), { statusCode: 405, code: 'ICE_ERR_METHOD', error: 'Method Not Allowed' });
});

t.test('HEAD answers like GET without a body', async (t) => {
  const app = open([staticGateway]);
  for (const url of ['/ice?service=turn', '/?service=turn', '/openapi.json', '/ice?service=x']) {
    const [head, full] = [
      await app.inject({ method: 'HEAD', url }),
      await app.inject({ method: 'GET', url }),
    ];
    t.equal(head.statusCode, full.statusCode, url);
    t.equal(head.headers['content-length'], String(Buffer.byteLength(full.body)), url);
    t.equal(head.body, '', url);
  }
});

t.test('errors as JSON when the client asks for it', async (t) => {
  const cases: readonly [accept: string, isJson: boolean][] = [
    ['application/json', true],
    ['application/json, text/plain, */*', true],
    ['text/html, Application/JSON;q=0.5', true],
    ['*/*', false],
    ['application/json;q=0', false],
    ['application/json; q=0.0', false],
    ['application/*', false],
    ['text/plain', false],
    ['', false],
  ];
  const app = open([staticGateway]);
  for (const [accept, isJson] of cases) {
    const response = await app.inject({ url: '/ice?service=x', headers: { accept } });
    t.equal(
      response.headers['content-type'],
      `${isJson ? 'application/json' : 'text/plain'}; charset=utf-8`,
      accept,
    );
    if (!isJson) continue;
    t.same(response.json(), {
      statusCode: 400,
      code: 'ICE_ERR_SERVICE',
      error: 'Bad Request',
      message: 'could not generate ICE auth token: "\\"service\\" must be \\"turn\\""',
    });
  }
  const codes: readonly [url: string, status: number, code: string][] = [
    ['/nope', 404, 'ICE_ERR_PATH'],
    ['/%zz', 400, 'ICE_ERR_REQUEST'],
    ['/ice?service=turn&ttl=x', 400, 'ICE_ERR_PARAMETER'],
    ['/ice?service=turn&namespace=x', 404, 'ICE_ERR_NO_LISTENER'],
    ['/', 400, 'ICE_ERR_SERVICE'],
  ];
  for (const [url, statusCode, code] of codes) {
    const response = await app.inject({ url, headers: { accept: 'application/json' } });
    t.equal(response.statusCode, statusCode, url);
    t.match(response.json(), { statusCode, code }, url);
  }
});

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';

t.test('POST bodies', async (t) => {
  const app = open([ephemeralGateway]);
  const cases: readonly [
    name: string,
    url: string,
    type: string | undefined,
    payload: string,
    userId: string | number,
  ][] = [
    ['form', '/ice', FORM, 'service=turn&username=bob', 'bob'],
    ['form with charset', '/ice', `${FORM}; charset=UTF-8`, 'service=turn&username=a+b%21', 'a b!'],
    [
      'Janus repeats the query in the form',
      '/?service=turn&username=bob',
      FORM,
      'service=turn&username=bob',
      'bob',
    ],
    ['the query wins', '/ice?service=turn&username=query', FORM, 'username=form', 'query'],
    [
      'the first wins in the query',
      '/ice?service=turn&username=one&username=two',
      undefined,
      '',
      'one',
    ],
    ['the first wins in the form', '/ice', FORM, 'service=turn&username=one&username=two', 'one'],
    ['JSON', '/ice', JSON_TYPE, '{"service":"turn","username":"bob","ttl":60}', 'bob'],
    [
      'JSON with charset, any case',
      '/ice',
      'Application/JSON; charset=utf-8',
      '{"service":"turn","username":"bob"}',
      'bob',
    ],
    ['JSON null is absent', '/ice', JSON_TYPE, '{"service":"turn","username":null}', ''],
    ['JSON numbers are text', '/ice', JSON_TYPE, '{"service":"turn","username":42}', '42'],
    ['no body, no type', '/ice?service=turn', undefined, '', ''],
    ['empty JSON body', '/ice?service=turn', JSON_TYPE, '', ''],
    [
      'unknown type beside a sufficient query',
      '/ice?service=turn',
      'application/x-unknown',
      '{{{',
      '',
    ],
    ['text beside a sufficient query', '/ice?service=turn', 'text/plain', 'username=eve', ''],
    ['unknown type without a query', '/ice', 'text/plain', 'service=turn', 400],
    ['not JSON', '/ice?service=turn', JSON_TYPE, '{', 400],
    ['JSON array', '/ice?service=turn', JSON_TYPE, '[]', 400],
    ['JSON text', '/ice?service=turn', JSON_TYPE, '"service"', 400],
    ['JSON null', '/ice?service=turn', JSON_TYPE, 'null', 400],
    ['JSON object as a value', '/ice', JSON_TYPE, '{"service":"turn","username":{"a":1}}', 400],
    ['JSON array as a value', '/ice', JSON_TYPE, '{"service":["turn"]}', 400],
    ['JSON boolean as a value', '/ice', JSON_TYPE, '{"service":"turn","username":true}', 400],
    ['JSON fraction as ttl', '/ice', JSON_TYPE, '{"service":"turn","ttl":1.5}', 400],
    ['JSON lone surrogate', '/ice', JSON_TYPE, '{"service":"turn","username":"\\ud800"}', 400],
    ['JSON control character', '/ice', JSON_TYPE, '{"service":"turn","username":"a\\u0000"}', 400],
    ['JSON __proto__', '/ice', JSON_TYPE, '{"__proto__":{"service":"turn"}}', 400],
    ['JSON __proto__ text', '/ice', JSON_TYPE, '{"__proto__":"service"}', 400],
    [
      'JSON constructor',
      '/ice?service=turn',
      JSON_TYPE,
      '{"constructor":{"prototype":{"username":"eve"}}}',
      400,
    ],
    ['4 KiB', '/ice?service=turn', 'text/plain', 'x'.repeat(4096), ''],
    ['more than 4 KiB', '/ice?service=turn', 'text/plain', 'x'.repeat(4097), 413],
  ];
  for (const [name, url, type, payload, expected] of cases) {
    const headers = type === undefined ? {} : { 'content-type': type };
    const response = await app.inject({ method: 'POST', url, headers, payload });
    if (typeof expected === 'number') {
      t.equal(response.statusCode, expected, name);
      continue;
    }
    t.equal(response.statusCode, 200, name);
    const body = response.json<{ username?: string; iceServers?: { username: string }[] }>();
    const username = body.username ?? body.iceServers?.[0]?.username ?? '';
    t.equal(username.replace(/^\d+:/, ''), expected, name);
  }
});

t.test('names of Object.prototype are no parameters and pollute nothing', async (t) => {
  const app = open([ephemeralGateway]);
  for (const name of [
    ...Object.getOwnPropertyNames(Object.prototype),
    'prototype',
    '__proto__[username]',
  ]) {
    const query = await app.inject(`/ice?service=turn&${encodeURIComponent(name)}=eve`);
    t.match(query.json(), { iceServers: [{ username: /:$/ }] }, `query ${name}`);
    const user = await app.inject(`/ice?service=turn&username=${encodeURIComponent(name)}`);
    t.ok(
      user
        .json<{ iceServers: [{ username: string }] }>()
        .iceServers[0].username.endsWith(`:${name}`),
      name,
    );
    const body = await app.inject({
      method: 'POST',
      url: '/ice?service=turn',
      headers: { 'content-type': JSON_TYPE },
      payload: `{${JSON.stringify(name)}:"eve"}`,
    });
    t.match(body.json(), { iceServers: [{ username: /:$/ }] }, `body ${name}`);
    t.equal(Object.hasOwn(Object.prototype, 'eve'), false);
  }
  t.equal(({} as Record<string, unknown>)['username'], undefined);
});

t.test('the Host header never gets into a URI', async (t) => {
  for (const host of ['evil.example', 'evil.example:99', '[::1]']) {
    const response = await open([staticGateway]).inject({
      url: '/ice?service=turn',
      headers: { host, 'x-forwarded-host': host, forwarded: `host=${host}` },
    });
    t.notMatch(response.body, /evil|::1/);
    t.same(response.json<{ iceServers: [{ urls: string[] }] }>().iceServers[0].urls, STATIC_URIS);
  }
});

t.test('text as Go writes it', async (t) => {
  t.equal(
    goJson({ b: '<\u2028\u2029>&é"\\\n', a: 1 }),
    '{"b":"\\u003c\\u2028\\u2029\\u003e\\u0026é\\"\\\\\\n","a":1}\n',
  );
  t.equal(
    goQuote('a"\\\x07\b\f\n\r\t\v\x01\x7f\u00a0\u200b\u{e0001}é 😀'),
    '"a\\"\\\\\\a\\b\\f\\n\\r\\t\\v\\x01\\x7f\\u00a0\\u200b\\U000e0001é 😀"',
  );
  t.equal(goParseInteger('-9223372036854775808'), -(2n ** 63n));
  t.equal(goParseInteger('+007'), 7n);
  for (const text of ['', '+', ' 1', '1_000', '0x1', '1e3', '１']) {
    t.equal(goParseInteger(text), `strconv.ParseInt: parsing "${text}": invalid syntax`, text);
  }
});
