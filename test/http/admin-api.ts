import { Ajv } from 'ajv';
import type { FastifyInstance } from 'fastify';
import t from 'tap';
import { GatewayError } from '../../src/errors.ts';
import { createAdminApp, type AdminAppOptions } from '../../src/http/admin/app.ts';
import type { AuditRecord } from '../../src/http/admin/audit.ts';
import type { HttpLogRecord } from '../../src/http/shared/answer-log.ts';
import { MemoryGateway } from './fixtures/memory-gateway.ts';

const API = '/api/v1';
const TOKEN = 'canary-token';
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };
const UNLIMITED = { requestsMax: 1_000_000, windowMilliseconds: 1000 };

type Method = 'GET' | 'HEAD' | 'POST' | 'DELETE' | 'PUT' | 'PATCH' | 'OPTIONS';

function open(options: Partial<AdminAppOptions> = {}) {
  const gateway = new MemoryGateway();
  const audited: AuditRecord[] = [];
  const app = createAdminApp({
    control: gateway,
    token: TOKEN,
    rateLimit: UNLIMITED,
    audit: (record) => audited.push(record),
    ...options,
  });
  return { gateway, audited, app };
}

async function ask(app: FastifyInstance, method: Method, path: string, payload?: object | string) {
  return app.inject({
    method,
    url: path.startsWith('/') ? path : `${API}/${path}`,
    headers: {
      ...AUTHORIZED,
      ...(payload !== undefined && { 'content-type': 'application/json' }),
    },
    ...(payload !== undefined && { payload }),
  });
}

t.test('what the gateway tells', async (t) => {
  const { gateway, app, audited } = open();
  const cases: readonly [string, unknown][] = [
    ['status', gateway.status()],
    ['config', gateway.config()],
    ['metrics/live', gateway.metrics()],
    ['sessions', { sessions: gateway.live, total: 3 }],
    ['sessions?user=bob', { sessions: gateway.live.slice(2), total: 1 }],
    ['sessions?listener=nope', { sessions: [], total: 0 }],
    ['sessions?limit=1', { sessions: gateway.live.slice(0, 1), total: 3 }],
    [
      'routes',
      {
        listeners: ['default/udp', 'default/tls'].map((name) => ({ name, routes: ['media'] })),
        clusters: gateway.status().clusters,
      },
    ],
    [
      'routes?listener=default/udp&peer=10.0.0.5:5004',
      { listener: 'default/udp', peer: '10.0.0.5:5004', verdict: 'relayed', cluster: 'media' },
    ],
  ];
  for (const [path, expected] of cases) {
    const response = await ask(app, 'GET', path);
    t.equal(response.statusCode, 200, path);
    t.equal(response.headers['content-type'], 'application/json; charset=utf-8', path);
    t.strictSame(response.json(), JSON.parse(JSON.stringify(expected)), path);
    t.equal((await ask(app, 'HEAD', path)).statusCode, 200, `HEAD ${path}`);
  }
  t.strictSame(audited, [], 'telling is not audited');
});

t.test('filters of sessions and routes arrive as they were asked', async (t) => {
  const { gateway, app } = open();
  await ask(app, 'GET', 'sessions?user=a%26b&listener=x%2Fy&limit=1000');
  await ask(app, 'GET', 'sessions');
  t.strictSame(gateway.filters, [
    { userId: 'a&b', listener: 'x/y', limit: 1000 },
    { userId: undefined, listener: undefined, limit: 100 },
  ]);
  const route = 'routes?listener=default/udp&peer=';
  await ask(app, 'GET', `${route}10.0.0.5:1&user_routes=a,%20b,`);
  await ask(app, 'GET', `${route}[FD00::5]:65535`);
  t.strictSame(gateway.questions, [
    { listener: 'default/udp', peer: '10.0.0.5', port: 1, userRoutes: ['a', 'b'] },
    { listener: 'default/udp', peer: 'fd00::5', port: 65_535, userRoutes: undefined },
  ]);
});

t.test('what is malformed is refused with its name', async (t) => {
  const { gateway, app, audited } = open();
  const soon = Math.floor(Date.now() / 1000) - 1;
  const cases: readonly [Method, string, object | string | undefined, RegExp][] = [
    ['GET', 'status?x=1', undefined, /query has an unknown parameter "x"/],
    ['GET', 'sessions?limit=0', undefined, /limit must be >= 1/],
    ['GET', 'sessions?limit=1001', undefined, /limit must be <= 1000/],
    ['GET', 'sessions?limit=1.5', undefined, /limit must be integer/],
    ['GET', 'sessions?limit=', undefined, /limit must be integer/],
    ['GET', 'sessions?limit=1&limit=2', undefined, /limit must be integer/],
    ['GET', 'sessions?user=', undefined, /user must NOT have fewer/],
    ['GET', `sessions?user=${'x'.repeat(1025)}`, undefined, /user must NOT have more/],
    ['GET', 'sessions?users=alice', undefined, /unknown parameter "users"/],
    ['GET', 'routes?listener=default/udp', undefined, /listener and peer go together/],
    ['GET', 'routes?peer=10.0.0.5:1', undefined, /listener and peer go together/],
    ['GET', 'routes?user_routes=a', undefined, /listener and peer go together/],
    ['GET', 'routes?listener=default/udp&peer=10.0.0.5', undefined, /IP address and a port/],
    ['GET', 'routes?listener=default/udp&peer=10.0.0.5:0', undefined, /IP address and a port/],
    ['GET', 'routes?listener=default/udp&peer=10.0.0.5:65536', undefined, /IP address and a port/],
    ['GET', 'routes?listener=default/udp&peer=[10.0.0.5]:1', undefined, /IP address and a port/],
    ['GET', 'routes?listener=default/udp&peer=fd00::5:1', undefined, /IP address and a port/],
    ['GET', 'routes?listener=default/udp&peer=example.org:1', undefined, /IP address and a port/],
    ['GET', 'routes?listener=nope&peer=10.0.0.5:1', undefined, /no such listener/],
    ['GET', 'events?type=a', undefined, /unknown parameter "type"/],
    ['DELETE', 'sessions', undefined, /query must have required property 'user'/],
    ['DELETE', 'sessions?user=', undefined, /user must NOT have fewer/],
    ['DELETE', 'sessions?users=alice', undefined, /unknown parameter|required property/],
    ['POST', 'reload', { dryrun: true }, /body has an unknown parameter "dryrun"/],
    ['POST', 'reload', { dryRun: 'true' }, /dryRun must be boolean/],
    ['POST', 'reload', { config: 'version: v1' }, /config goes with dryRun/],
    ['POST', 'reload?dryRun=true', undefined, /query has an unknown parameter "dryRun"/],
    ['POST', 'reload', '{"dryRun":', /bad request/],
    ['POST', 'reload', '[]', /body must be object/],
    ['POST', 'reload', '{"__proto__":{"dryRun":true}}', /bad request/],
    ['POST', 'drain', { now: true }, /unknown parameter "now"/],
    ['POST', 'revoke', undefined, /body must have required property 'user'/],
    ['POST', 'revoke', { user: 5 }, /user must be string/],
    ['POST', 'revoke', { user: '' }, /user must NOT have fewer/],
    ['POST', 'revoke', { user: 'a', until: 'tomorrow' }, /until is a time/],
    ['POST', 'revoke', { user: 'a', until: '2030-01-31' }, /until is a time/],
    ['POST', 'revoke', { user: 'a', until: '2030-13-01T00:00:00Z' }, /until is a time/],
    ['POST', 'revoke', { user: 'a', until: 1.5 }, /until is a time/],
    ['POST', 'revoke', { user: 'a', until: 1e15 }, /until is a time/],
    ['POST', 'revoke', { user: 'a', until: soon }, /until is in the past/],
    ['POST', 'revoke', { user: 'a', until: '2020-01-01T00:00:00Z' }, /until is in the past/],
    ['POST', 'revoke', { user: 'a', until: true }, /until must be string/],
    ['POST', 'loglevel', {}, /required property 'levels'/],
    ['POST', 'test/credential', { ttl: 1e9 }, /unknown parameter "ttl"/],
    ['POST', 'test/echo', {}, /required property 'offer'/],
    ['POST', 'test/echo', { offer: '' }, /offer must NOT have fewer/],
    ['POST', 'loglevel', { levels: 'loud' }, /levels are scope:LEVEL/],
  ];
  for (const [method, path, payload, message] of cases) {
    const name = `${method} ${path.slice(0, 60)} ${JSON.stringify(payload) ?? ''}`;
    const response = await ask(app, method, path, payload);
    t.equal(response.statusCode, 400, name);
    t.match(response.json(), { statusCode: 400, error: 'Bad Request', message }, name);
  }
  t.strictSame(gateway.reloads, []);
  t.strictSame(gateway.revoked, []);
  t.equal(gateway.live.length, 3);
  t.equal(gateway.state, 'running');
  t.ok(audited.every(({ statusCode }) => statusCode === 400));
});

t.test('changes, and their records', async (t) => {
  const { gateway, app, audited } = open();
  const later = '2040-01-01T00:00:00.5+01:00';
  const cases: readonly [Method, string, object | undefined, number, object][] = [
    ['DELETE', 'sessions/s1', undefined, 200, { ended: 1 }],
    ['DELETE', 'sessions/s1', undefined, 404, { code: 'API_ERR_SESSION' }],
    ['DELETE', 'sessions?user=nobody', undefined, 200, { ended: 0 }],
    ['DELETE', 'sessions?user=alice', undefined, 200, { ended: 1 }],
    ['POST', 'reload', undefined, 200, { outcome: 'applied' }],
    ['POST', 'reload', { dryRun: true }, 200, { outcome: 'dryRun' }],
    ['POST', 'reload', { dryRun: true, config: 'version: v1' }, 200, { outcome: 'dryRun' }],
    ['POST', 'drain', undefined, 200, { state: 'draining' }],
    ['POST', 'undrain', {}, 200, { state: 'running' }],
    ['POST', 'revoke', { user: 'bob' }, 200, { userId: 'bob', ended: 1 }],
    ['POST', 'revoke', { user: 'eve', until: later }, 200, { until: '2039-12-31T23:00:01.000Z' }],
    ['POST', 'revoke', { user: 'eve', until: 3_000_000_000 }, 200, { ended: 0 }],
    ['POST', 'revoke', { user: 'a/b' }, 200, { ended: 0 }],
    ['DELETE', 'revocations/a%2Fb', undefined, 200, { userId: 'a/b' }],
    ['DELETE', 'revocations/a%2Fb', undefined, 404, { code: 'API_ERR_REVOCATION' }],
    ['POST', 'loglevel', { levels: 'all:INFO,turn:DEBUG' }, 200, { levels: { turn: 'DEBUG' } }],
    ['POST', 'loglevel', { levels: 'loud' }, 400, { code: 'GW_ERR_USAGE' }],
    ['POST', 'test/credential', undefined, 200, gateway.testAccess()],
    ['POST', 'test/echo', { offer: 'o' }, 200, { answer: 'answer to o' }],
    ['POST', 'test/echo', { offer: 'none' }, 502, { code: 'GW_ERR_ECHO' }],
  ];
  for (const [method, path, payload, statusCode, answer] of cases) {
    const response = await ask(app, method, path, payload);
    t.equal(response.statusCode, statusCode, `${method} ${path}`);
    t.match(response.json(), answer, `${method} ${path}`);
  }
  t.strictSame(gateway.live, []);
  t.strictSame(gateway.reloads, [false, true, 'version: v1']);
  t.strictSame(gateway.revoked, [
    ['bob', undefined],
    ['eve', Date.UTC(2039, 11, 31, 23, 0, 1) / 1000],
    ['eve', 3_000_000_000],
  ]);
  gateway.problems = ['f.yaml:1:2: unknown key'];
  const failed = await ask(app, 'POST', 'reload');
  t.equal(failed.statusCode, 422);
  t.match(failed.json(), { outcome: 'failed', problems: ['f.yaml:1:2: unknown key'] });

  t.strictSame(
    audited.map(({ action, parameters, statusCode }) => [action, parameters, statusCode]),
    [
      ['kick', { id: 's1' }, 200],
      ['kick', { id: 's1' }, 404],
      ['kick', { user: 'nobody' }, 200],
      ['kick', { user: 'alice' }, 200],
      ['reload', { dryRun: false }, 200],
      ['reload', { dryRun: true }, 200],
      ['reload', { dryRun: true }, 200],
      ['drain', {}, 200],
      ['undrain', {}, 200],
      ['revoke', { user: 'bob', until: undefined }, 200],
      ['revoke', { user: 'eve', until: later }, 200],
      ['revoke', { user: 'eve', until: 3_000_000_000 }, 200],
      ['revoke', { user: 'a/b', until: undefined }, 200],
      ['unrevoke', { user: 'a/b' }, 200],
      ['unrevoke', { user: 'a/b' }, 404],
      ['loglevel', { levels: 'all:INFO,turn:DEBUG' }, 200],
      ['loglevel', { levels: 'loud' }, 400],
      ['testCredential', {}, 200],
      ['reload', { dryRun: false }, 422],
    ],
  );
  for (const { actor, clientAddress } of audited) {
    t.strictSame(actor, { kind: 'token', name: 'api_token' });
    t.equal(clientAddress, '127.0.0.1');
  }
  t.strictSame(audited[0]?.result, { ended: 1 });
  t.match(audited[1]?.result, { code: 'API_ERR_SESSION' });
  const { result } = audited.find(({ action }) => action === 'testCredential') ?? {};
  t.strictSame(Object.keys(result ?? {}), ['username', 'expiresAt'], 'no password');
  t.strictSame(audited.at(-1)?.result, { outcome: 'failed', changes: 0, problems: 1 });
});

t.test('failures inside tell nothing to the client, and all to the log', async (t) => {
  const records: HttpLogRecord[] = [];
  const { gateway, app, audited } = open({ log: (record) => records.push(record) });
  gateway.failure = new Error('canary-inside');
  const broken = await ask(app, 'POST', 'reload');
  t.equal(broken.statusCode, 500);
  t.match(broken.json(), { code: 'API_ERR_INTERNAL', message: 'internal server error' });
  t.notMatch(broken.body, /canary/);
  t.match(records.at(-1), { statusCode: 500, failure: { message: 'canary-inside' } });
  t.match(audited, [{ action: 'reload', statusCode: 500, result: { code: 'API_ERR_INTERNAL' } }]);

  gateway.failure = new GatewayError('GW_ERR_TOO_MANY_REVOCATIONS', 'no more than 10000');
  const full = await ask(app, 'POST', 'revoke', { user: 'x' });
  t.equal(full.statusCode, 503);
  t.match(full.json(), { code: 'GW_ERR_TOO_MANY_REVOCATIONS', message: 'no more than 10000' });
});

t.test('wrong methods, paths and bodies', async (t) => {
  const { app } = open();
  const cases: readonly [Method, string, number, string | undefined][] = [
    ['POST', 'status', 405, 'GET, HEAD'],
    ['GET', 'reload', 405, 'POST'],
    ['GET', 'drain', 405, 'POST'],
    ['DELETE', 'reload', 405, 'POST'],
    ['PUT', 'sessions', 405, 'DELETE, GET, HEAD'],
    ['GET', 'sessions/s1', 405, 'DELETE'],
    ['HEAD', 'events', 405, 'GET'],
    ['OPTIONS', 'status', 405, 'GET, HEAD'],
    ['GET', 'nope', 404, undefined],
    ['GET', '/api', 404, undefined],
    ['DELETE', 'sessions/a/b', 404, undefined],
    ['GET', 'status/', 404, undefined],
  ];
  for (const [method, path, statusCode, allow] of cases) {
    const response = await ask(app, method, path);
    t.equal(response.statusCode, statusCode, `${method} ${path}`);
    t.equal(response.headers.allow, allow, `${method} ${path}`);
    if (method !== 'HEAD') t.match(response.json(), { statusCode, code: /^API_ERR_/ });
  }
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', '']) {
    const response = await app.inject({
      method: 'POST',
      url: `${API}/reload`,
      headers: { ...AUTHORIZED, 'content-type': type },
      payload: '{"dryRun":true}',
    });
    t.equal(response.statusCode, 415, type);
    t.match(response.json(), { code: 'API_ERR_MEDIA_TYPE' }, type);
  }
  const large = await ask(app, 'POST', 'loglevel', { levels: 'x'.repeat(20_000) });
  t.equal(large.statusCode, 413);
  const long = await ask(app, 'GET', `sessions?user=${'x'.repeat(5000)}`);
  t.equal(long.statusCode, 414);
  t.equal((await ask(app, 'GET', '/%zz')).statusCode, 400);
});

t.test('every answer has the security headers, and none the token', async (t) => {
  const { app } = open();
  const paths = ['status', 'config', 'sessions', 'routes', 'metrics/live', 'nope', 'sessions?x'];
  const others = ['/', '/openapi.json', '/docs', '/docs/', '/%zz', '/docs/static/swagger-ui.css'];
  for (const path of [...paths, ...others]) {
    const response = await ask(app, 'GET', path);
    t.equal(response.headers['cache-control'], 'no-store', path);
    t.equal(response.headers['x-content-type-options'], 'nosniff', path);
    t.match(response.headers['content-security-policy'], /frame-ancestors 'none'/, path);
    t.notMatch(response.body, /canary/, path);
  }
});

t.test('requests of one address are limited', async (t) => {
  const { app } = open({ rateLimit: { requestsMax: 2, windowMilliseconds: 3_600_000 } });
  const statuses: number[] = [];
  for (const path of ['status', 'nope', 'status', 'nope']) {
    statuses.push((await ask(app, 'GET', path)).statusCode);
  }
  t.strictSame(statuses, [200, 404, 429, 429]);
  t.match((await ask(app, 'GET', 'config')).json(), { code: 'API_ERR_RATE_LIMIT' });
});

t.test('the OpenAPI description is what the API does', async (t) => {
  const { app } = open();
  const response = await app.inject('/openapi.json');
  t.equal(response.statusCode, 200, 'without a token');
  const { paths } = response.json<{ paths: Record<string, Record<string, Operation>> }>();
  t.strictSame(
    Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path.replace(API, '')}`),
    ),
    [
      'get /status',
      'get /config',
      'get /metrics/live',
      'get /sessions',
      'delete /sessions',
      'get /routes',
      'delete /sessions/{id}',
      'delete /revocations/{user}',
      'post /reload',
      'post /drain',
      'post /undrain',
      'post /revoke',
      'post /loglevel',
      'post /test/credential',
      'post /test/echo',
      'get /events',
    ],
  );
  const ajv = new Ajv({ strict: false });
  const asked: readonly [Method, string, string, object?][] = [
    ['GET', '/status', '/status'],
    ['GET', '/config', '/config'],
    ['GET', '/metrics/live', '/metrics/live'],
    ['GET', '/sessions', '/sessions'],
    ['GET', '/routes', '/routes'],
    ['GET', '/routes', '/routes?listener=default/udp&peer=10.0.0.5:1'],
    ['DELETE', '/sessions/{id}', '/sessions/s1'],
    ['DELETE', '/sessions', '/sessions?user=bob'],
    ['POST', '/reload', '/reload'],
    ['POST', '/drain', '/drain'],
    ['POST', '/undrain', '/undrain'],
    ['POST', '/revoke', '/revoke', { user: 'x' }],
    ['POST', '/loglevel', '/loglevel', { levels: 'all:INFO' }],
    ['POST', '/test/credential', '/test/credential'],
    ['POST', '/test/echo', '/test/echo', { offer: 'o' }],
  ];
  for (const [method, path, url, payload] of asked) {
    const described = paths[API + path]?.[method.toLowerCase()];
    const schema = described?.responses['200']?.content?.['application/json']?.schema ?? false;
    const answer = await ask(app, method, `${API}${url}`, payload);
    t.equal(answer.statusCode, 200, `${method} ${url}`);
    const validate = ajv.compile(closed(schema));
    t.ok(validate(answer.json()), `${method} ${url}`, { errors: validate.errors });
    t.ok(described?.summary && described.description, `${method} ${path} is explained`);
    for (const status of ['400', '401', '403', '429', '500']) {
      t.ok(described?.responses[status], `${method} ${path} describes ${status}`);
    }
  }
});

interface Operation {
  readonly summary: string;
  readonly description: string;
  readonly responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

/** The schema without leave for keys that it does not name. */
function closed(schema: object | boolean): object | boolean {
  return JSON.parse(JSON.stringify(schema), (_key, value: unknown) => {
    const isObject = typeof value === 'object' && value !== null && 'properties' in value;
    return isObject && 'type' in value ? { ...value, additionalProperties: false } : value;
  }) as object | boolean;
}
