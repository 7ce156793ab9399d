import { createHmac } from 'node:crypto';
import t, { type Test } from 'tap';
import {
  COMPATIBLE_SERVICES,
  type CompatibleService,
} from '../../src/config/compatible-services.ts';
import { createIceApp, type IceAppOptions } from '../../src/http/ice/app.ts';
import type { IceGateway } from '../../src/http/ice/ice-source.ts';
import {
  acceptanceListeners,
  FORM,
  JSON_TYPE,
  type ViewRequest,
  viewRequests,
} from './fixtures/view-requests.ts';
import {
  ephemeralAuth,
  gateway,
  noAuth,
  NOW,
  sourceOf,
  staticGateway,
} from './fixtures/ice-gateways.ts';

const UNLIMITED = { requestsMax: 1_000_000, windowMilliseconds: 3_600_000 };
const KEY = 'the key: with a colon';
const UDP = 'turn:203.0.113.7:3478?transport=udp';
const TLS = 'turns:turn.example.org:443?transport=tcp';

const ephemeral = gateway(ephemeralAuth, acceptanceListeners);
const brief = gateway({ ...ephemeralAuth, maxTtlSeconds: 600 }, acceptanceListeners);

function open(gateways: readonly IceGateway[], options: Partial<IceAppOptions> = {}) {
  return createIceApp({
    source: sourceOf(...gateways),
    rateLimit: UNLIMITED,
    compat: COMPATIBLE_SERVICES,
    ...options,
  });
}

function credentialOf(userId: string, ttlSeconds: number) {
  const username = `${NOW + ttlSeconds}:${userId}`;
  const password = createHmac('sha1', 'my-secret').update(username).digest('base64');
  return { username, password };
}

/** What each service answers for two listeners, written by hand after its documentation. */
function expectedBody(service: string, ttl: number, userId = ''): unknown {
  const { username, password } = credentialOf(userId, ttl);
  const entry = { username, credential: password };
  const entries = [UDP, TLS].map((urls) => ({ urls, ...entry }));
  const server = { urls: [UDP, TLS], ...entry };
  switch (service) {
    case 'matrix':
      return { username, password, uris: [UDP, TLS], ttl };
    case 'cloudflare':
      return { iceServers: [server] };
    case 'cloudflare, one server':
      return { iceServers: server };
    case 'metered':
      return entries;
    case 'twilio':
      return {
        account_sid: 'AC00000000000000000000000000000001',
        ice_servers: entries.map(({ urls, ...rest }) => ({ url: urls, urls, ...rest })),
        password,
        ttl: String(ttl),
        username,
      };
    case 'xirsys':
      return { v: { iceServers: server }, s: 'ok' };
    default:
      return {
        v: { iceServers: entries.map(({ urls: url, ...rest }) => ({ url, ...rest })) },
        s: 'ok',
      };
  }
}

t.test('each service is answered in its own form', async (t) => {
  const app = open([ephemeral]);
  for (const { name, statusCode, inject } of viewRequests()) {
    const response = await app.inject(inject);
    t.equal(response.statusCode, statusCode, name);
    t.equal(response.headers['content-type'], 'application/json; charset=utf-8', name);
    t.equal(response.headers['cache-control'], 'no-store', name);
    t.same(withoutDates(response.body), expectedBody(name, 86_400), name);
    t.equal(response.body.match(RFC_2822_DATE)?.length ?? 0, name === 'twilio' ? 2 : 0, name);
  }
});

const RFC_2822_DATE =
  /"date_(?:created|updated)":"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000",/g;

function withoutDates(body: string): unknown {
  return JSON.parse(body.replaceAll(RFC_2822_DATE, ''));
}

t.test('no service is answered unless it is named', async (t) => {
  for (const service of [undefined, ...COMPATIBLE_SERVICES]) {
    const app = open([ephemeral], { compat: service === undefined ? [] : [service] });
    for (const { name, statusCode, inject } of viewRequests()) {
      const isNamed = service !== undefined && name.startsWith(service);
      const response = await app.inject(inject);
      t.equal(response.statusCode, isNamed ? statusCode : 404, `${name} with ${service}`);
    }
  }
});

t.test('lifetimes and user ids', async (t) => {
  const cases: readonly [service: string, payload: string, ttl: number, userId?: string][] = [
    ['cloudflare', '{"ttl":60,"customIdentifier":"alice"}', 60, 'alice'],
    ['cloudflare', '{"ttl":601}', 600],
    ['cloudflare', '{"ttl":-1}', 0],
    ['cloudflare', '', 600],
    ['cloudflare, one server', '{"ttl":60,"customIdentifier":"é"}', 60, 'é'],
    ['twilio', 'Ttl=60', 60],
    ['twilio', 'Ttl=86400', 600],
    ['twilio', 'ttl=60', 600],
    ['xirsys', '{"format":"urls","expire":60}', 60],
    ['xirsys', '{"format":"urls","expire":"60"}', 60],
    ['xirsys', '{"format":"urls","expire":9999}', 600],
  ];
  const app = open([brief]);
  for (const [service, payload, ttl, userId] of cases) {
    const response = await app.inject({ ...requestOf(service).inject, payload });
    t.same(
      withoutDates(response.body),
      expectedBody(service, ttl, userId),
      `${service} ${payload}`,
    );
  }
  for (const service of ['matrix', 'metered']) {
    const response = await app.inject(requestOf(service).inject);
    t.same(response.json(), expectedBody(service, 600), `${service} cannot ask for a lifetime`);
  }
});

function requestOf(service: string): ViewRequest {
  const found = viewRequests().find(({ name }) => name === service);
  if (found === undefined) throw new Error(`no request of ${service}`);
  return found;
}

t.test('each service presents API keys as its clients do, and in no other way', async (t) => {
  const app = open([ephemeral], { apiKeys: ['other', KEY] });
  const ways = {
    bearer: (key: string) => ({ headers: { authorization: `Bearer ${key}` } }),
    basic: (key: string) => ({ headers: { authorization: basic(`any user:${key}`) } }),
    user: (key: string) => ({ headers: { authorization: basic(`${key}:`) } }),
    'query key': (key: string) => ({ query: { key } }),
    'query api': (key: string) => ({ query: { api: key } }),
    'query apiKey': (key: string) => ({ query: { apiKey: key } }),
  };
  const wayOf: Record<CompatibleService, keyof typeof ways> = {
    matrix: 'bearer',
    cloudflare: 'bearer',
    metered: 'query apiKey',
    twilio: 'basic',
    xirsys: 'basic',
  };
  for (const { name, service, statusCode, inject } of viewRequests()) {
    for (const [way, present] of Object.entries(ways)) {
      for (const key of [KEY, 'wrong', '']) {
        const { headers = {}, query = {} } = present(key) as { headers?: object; query?: object };
        const response = await app.inject({
          ...inject,
          headers: { ...inject.headers, ...headers },
          query: { ...query },
        });
        const isRight = way === wayOf[service] && key === KEY;
        t.equal(response.statusCode, isRight ? statusCode : 401, `${name}: ${way} ${key}`);
        if (isRight) continue;
        const scheme = wayOf[service] === 'basic' ? 'Basic' : 'Bearer';
        t.equal(response.headers['www-authenticate'], `${scheme} realm="turnpike"`);
      }
    }
  }
  for (const authorization of ['Basic', 'Basic ', 'Basic %%%', basic(KEY), basic(''), basic(':')]) {
    const { inject } = requestOf('twilio');
    const response = await app.inject({ ...inject, headers: { ...inject.headers, authorization } });
    t.equal(response.statusCode, 401, authorization);
  }
});

function basic(userAndPassword: string): string {
  return `Basic ${Buffer.from(userAndPassword).toString('base64')}`;
}

t.test('errors, as each service writes them', async (t) => {
  const bodies: Record<CompatibleService, (statusCode: number, message: string) => object> = {
    matrix: (statusCode, error) => ({ errcode: MATRIX_CODES[statusCode] ?? 'M_UNKNOWN', error }),
    cloudflare: (statusCode, message) => ({ statusCode, code: /^ICE_ERR_/, error: /./, message }),
    metered: (_, error) => ({ error }),
    twilio: (status, message) => {
      const code = TWILIO_CODES[status];
      return { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status };
    },
    xirsys: (_, v) => ({ v, s: 'error' }),
  };
  const expectError = async (
    t: Test,
    { service, name }: ViewRequest,
    response: { statusCode: number; json(): unknown },
    [statusCode, message]: readonly [number, string],
  ): Promise<void> => {
    t.equal(response.statusCode, statusCode, `${name} ${statusCode}`);
    const expected = bodies[service](statusCode, message);
    const body = response.json() as object;
    t.match(body, expected, `${name} ${statusCode}`);
    t.same(Object.keys(body), Object.keys(expected), `${name} ${statusCode} has nothing else`);
  };
  for (const request of viewRequests()) {
    const { inject } = request;
    const long = { ...inject, query: { x: 'y'.repeat(5000) } };
    await expectError(t, request, await open([ephemeral], { apiKeys: ['k'] }).inject(inject), [401, 'a valid API key is required']);
    await expectError(t, request, await open([gateway(noAuth, acceptanceListeners)]).inject(inject), [404, 'no valid listener found']);
    await expectError(t, request, await open([gateway(ephemeralAuth, [])]).inject(inject), [404, 'no valid listener found']);
    await expectError(t, request, await open([ephemeral]).inject(long), [414, 'request URL too long']);
    await expectError(t, request, await open([]).inject(inject), [500, 'no configuration available']);
    await expectError(t, request, await open([broken]).inject(inject), [500, 'internal server error']);
    const limited = open([ephemeral], { rateLimit: { requestsMax: 1, windowMilliseconds: 60_000 } });
    t.equal((await limited.inject(inject)).statusCode, request.statusCode);
    const refused = await limited.inject(inject);
    await expectError(t, request, refused, [429, 'too many requests']);
    t.equal(refused.headers['retry-after'], '60');
    if (inject.payload === undefined) continue;
    const malformed = { ...inject, headers: { 'content-type': JSON_TYPE }, payload: '[]' };
    await expectError(t, request, await open([ephemeral]).inject(malformed), [400, 'Invalid request body: not a JSON object of strings and numbers']);
    const large = { ...inject, payload: 'x'.repeat(4097) };
    await expectError(t, request, await open([ephemeral]).inject(large), [413, 'request body too large']);
  }
  const app = open([ephemeral]);
  const parameters: readonly [service: string, payload: string, message: string][] = [
    ['cloudflare', '{"ttl":1.5}', 'Invalid format for parameter ttl: error binding string parameter: strconv.ParseInt: parsing "1.5": invalid syntax'],
    ['cloudflare', `{"customIdentifier":"${'x'.repeat(257)}"}`, 'Invalid format for parameter customIdentifier: longer than 256 bytes'],
    ['cloudflare', '{"customIdentifier":"a\\u0000"}', 'Invalid format for parameter customIdentifier: control characters are not allowed'],
    ['twilio', 'Ttl=', 'Invalid format for parameter Ttl: error binding string parameter: strconv.ParseInt: parsing "": invalid syntax'],
    ['xirsys', '{"expire":"soon"}', 'Invalid format for parameter expire: error binding string parameter: strconv.ParseInt: parsing "soon": invalid syntax'],
  ];
  for (const [service, payload, message] of parameters) {
    const request = requestOf(service);
    await expectError(t, request, await app.inject({ ...request.inject, payload }), [400, message]);
  }
}); // prettier-ignore

const MATRIX_CODES: Record<number, string> = {
  401: 'M_MISSING_TOKEN',
  404: 'M_NOT_FOUND',
  429: 'M_LIMIT_EXCEEDED',
};

const TWILIO_CODES: Record<number, number> = {
  400: 20_422,
  401: 20_003,
  404: 20_404,
  413: 20_413,
  414: 20_414,
  429: 20_429,
  500: 20_500,
};

const broken: IceGateway = {
  ...staticGateway,
  issue: () => {
    throw new Error('broken');
  },
};

t.test('a valid key has a rate of its own, wherever it stands', async (t) => {
  const limited = { requestsMax: 1, windowMilliseconds: 3_600_000 };
  for (const { name, service, statusCode, inject } of viewRequests()) {
    const app = open([ephemeral], { apiKeys: ['one', 'two'], rateLimit: limited });
    const statusOf = async (key: string): Promise<number> => {
      const isBasic = service === 'twilio' || service === 'xirsys';
      const authorization = isBasic ? basic(`user:${key}`) : `Bearer ${key}`;
      const headers = { ...inject.headers, authorization };
      return (await app.inject({ ...inject, headers, query: { apiKey: key } })).statusCode;
    };
    const statuses: number[] = [];
    for (const key of ['one', 'one', 'two', 'two', 'x1', 'x2']) statuses.push(await statusOf(key));
    t.same(statuses, [statusCode, 429, statusCode, 429, 401, 429], name);
  }
});

t.test('several gateways', async (t) => {
  const app = open([ephemeral, staticGateway]);
  const usersOf = async (service: string): Promise<string[]> => {
    const { body } = await app.inject(requestOf(service).inject);
    return [...body.matchAll(/"username":"([^"]*)"/g)].map(([, user = '']) => user);
  };
  const { username } = credentialOf('', 86_400);
  const both = [username, username, 'user1', 'user1', 'user1', 'user1'];
  t.same(await usersOf('cloudflare'), [username, 'user1'], 'one server for each');
  t.same(await usersOf('metered'), both, 'one server for each URI');
  t.same(await usersOf('xirsys, one URI each'), both);
  t.same(await usersOf('twilio'), [...both, username], 'and the first one by itself');
  for (const service of ['matrix', 'cloudflare, one server', 'xirsys']) {
    t.same(await usersOf(service), [username], `${service}: the first one`);
  }
});

t.test('a wrong method is answered 405 and the right ones are named', async (t) => {
  const app = open([ephemeral]);
  for (const { name, inject } of viewRequests()) {
    const { method = 'GET' } = inject;
    const response = await app.inject({ ...inject, method: 'PATCH' });
    t.equal(response.statusCode, 405, name);
    t.equal(response.headers.allow, method === 'GET' ? 'GET, HEAD' : method, name);
  }
});

t.test('requests as they stand in code that uses these services', async (t) => {
  const app = open([ephemeral], { apiKeys: ['secret'] });
  const authorization = basic('ident:secret');
  const cases: readonly [name: string, statusCode: number, request: object][] = [
    ['Xirsys without a body', 200, { method: 'PUT', url: '/_turn/MyFirstApp', headers: { authorization } }],
    ['Xirsys with an empty object', 200, { method: 'PUT', url: '/_turn/MyFirstApp', headers: { authorization, 'content-type': JSON_TYPE }, payload: '{}' }],
    ['Xirsys with its parameters in the query', 200, { method: 'PUT', url: '/_turn/MyFirstApp?webrtc=1&expire=3600', headers: { authorization } }],
    ['Twilio by twilio-node 6.2.0', 201, { method: 'POST', url: '/2010-04-01/Accounts/AC00000000000000000000000000000001/Tokens.json', headers: { accept: 'application/json', 'accept-charset': 'utf-8', authorization, 'content-type': FORM }, payload: 'Ttl=3600' }],
    ['Matrix by matrix-js-sdk 37.5.0', 200, { url: '/_matrix/client/v3/voip/turnServer', headers: { accept: 'application/json', 'accept-language': '*', 'sec-fetch-mode': 'cors', authorization: 'Bearer secret' } }],
    ['Twilio by curl', 201, { method: 'POST', url: '/2010-04-01/Accounts/AC1/Tokens.json', headers: { authorization } }],
    ['Twilio with a form', 201, { method: 'POST', url: '/2010-04-01/Accounts/AC1/Tokens.json', headers: { authorization, 'content-type': `${FORM}; charset=utf-8` }, payload: 'Ttl=3600' }],
    ['Metered with a region', 200, { url: '/api/v1/turn/credentials?apiKey=secret&region=europe' }],
    ['Cloudflare without a type', 201, { method: 'POST', url: '/v1/turn/keys/k/credentials/generate', headers: { authorization: 'Bearer secret' }, payload: '{"ttl":86400}' }],
  ];
  for (const [name, statusCode, request] of cases) {
    t.equal((await app.inject(request)).statusCode, statusCode, name);
  }
  const inject = { headers: { authorization: 'Bearer secret' }, payload: '{"ttl":60}' };
  const answer = await app.inject({ ...inject, method: 'POST', url: '/v1/turn/keys/k/credentials/generate' });
  const { username } = answer.json<{ iceServers: { username: string } }>().iceServers;
  t.ok(Number.parseInt(username) <= Date.now() / 1000 + 60, 'JSON without a type is read');
}); // prettier-ignore
