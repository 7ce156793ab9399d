import { Validator } from '@seriousme/openapi-schema-validator';
import type { FastifyInstance, InjectOptions } from 'fastify';
import t, { type Test } from 'tap';
import { COMPATIBLE_SERVICES } from '../../src/config/compatible-services.ts';
import { GatewayError } from '../../src/errors.ts';
import { type AdminAppOptions, createAdminApp } from '../../src/http/admin/app.ts';
import { createIceApp, type IceAppOptions } from '../../src/http/ice/app.ts';
import {
  type OpenApi,
  type OpenApiOperation,
  operationsOf,
  undocumented,
} from '../support/open-api.ts';
import {
  gateway,
  noAuth,
  sourceOf,
  staticGateway,
  staticListeners,
} from './fixtures/ice-gateways.ts';
import { MemoryGateway } from './fixtures/memory-gateway.ts';

const TOKEN = 'token';
const UNLIMITED = { requestsMax: 1_000_000, windowMilliseconds: 1000 };
const ONE = { requestsMax: 1, windowMilliseconds: 3_600_000 };
const JSON_TYPE = { 'content-type': 'application/json' };

/** A request, and the app that it is made to. */
interface Question {
  readonly app: FastifyInstance;
  readonly inject: InjectOptions;
  /** Asked before. */
  readonly before?: InjectOptions;
}

/** How to have an operation answer each of its statuses. */
type Questions = Readonly<Record<string, (inject: InjectOptions, name: string) => Question>>;

function iceApp(options: Partial<IceAppOptions> = {}): FastifyInstance {
  return createIceApp({
    source: sourceOf(staticGateway),
    rateLimit: UNLIMITED,
    compat: COMPATIBLE_SERVICES,
    ...options,
  });
}

function adminApp(options: Partial<AdminAppOptions> = {}): FastifyInstance {
  return createAdminApp({
    control: new MemoryGateway(),
    token: TOKEN,
    rateLimit: UNLIMITED,
    ...options,
  });
}

const ICE_QUESTIONS: Questions = {
  200: (inject) => ({ app: iceApp(), inject }),
  201: (inject) => ({ app: iceApp(), inject }),
  400: (inject) =>
    inject.method === 'GET'
      ? { app: iceApp(), inject: { ...inject, query: { service: 'other' } } }
      : { app: iceApp(), inject: { ...inject, headers: JSON_TYPE, payload: '[]' } },
  401: (inject) => ({ app: iceApp({ apiKeys: ['key'] }), inject }),
  404: (inject) => ({ app: iceApp({ source: sourceOf(gateway(noAuth, staticListeners)) }), inject }),
  413: (inject) => ({ app: iceApp(), inject: { ...inject, payload: 'x'.repeat(5000) } }),
  414: (inject) => ({ app: iceApp(), inject: longUrl(inject) }),
  429: (inject) => ({ app: iceApp({ rateLimit: ONE }), inject, before: inject }),
  500: (inject) => ({ app: iceApp({ source: sourceOf() }), inject }),
}; // prettier-ignore

const ADMIN_QUESTIONS: Questions = {
  200: (inject) => ({ app: adminApp({ control: memoryGateway({ revoked: [['mallory', 1]] }) }), inject }),
  400: (inject) => ({ app: adminApp(), inject: { ...inject, query: { unknown: '1' } } }),
  401: (inject) => ({ app: adminApp(), inject: { ...inject, headers: {} } }),
  403: (inject) => ({
    app: adminApp({ token: undefined }),
    inject: { ...inject, headers: { host: 'evil.example' } },
  }),
  404: (inject) => ({ app: adminApp(), inject: { ...inject, url: `${inject.url as string}-unknown` } }),
  409: (inject) => ({ app: adminApp({ control: memoryGateway({ state: 'stopping' }) }), inject }),
  413: (inject, name) => ({
    app: adminApp(),
    inject: {
      ...inject,
      headers: { ...inject.headers, ...JSON_TYPE },
      payload: `"${'x'.repeat(name.endsWith('/reload') ? 5_000_000 : 20_000)}"`,
    },
  }),
  414: (inject) => ({ app: adminApp(), inject: longUrl(inject) }),
  415: (inject) => ({
    app: adminApp(),
    inject: { ...inject, headers: { ...inject.headers, 'content-type': 'text/plain' }, payload: 'x' },
  }),
  422: (inject) => ({ app: adminApp({ control: memoryGateway({ problems: ['a:1:1: b'] }) }), inject }),
  429: (inject) => ({ app: adminApp({ rateLimit: ONE }), inject, before: { url: '/docs' } }),
  500: (inject) => ({ app: adminApp({ control: failing(new Error('broken')) }), inject }),
  502: (inject) => ({ app: adminApp(), inject: { ...inject, payload: { offer: 'none' } } }),
  503: (inject, name) => ({
    app: name.endsWith('/events')
      ? adminApp({ eventStreams: { streamsMax: 0 } })
      : adminApp({ control: failing(new GatewayError('GW_ERR_TOO_MANY_REVOCATIONS', 'no more')) }),
    inject,
  }),
}; // prettier-ignore

function longUrl(inject: InjectOptions): InjectOptions {
  return { ...inject, query: { x: 'y'.repeat(5000) } };
}

function memoryGateway(changes: Partial<MemoryGateway>): MemoryGateway {
  return Object.assign(new MemoryGateway(), changes);
}

/** A gateway that can do nothing. */
function failing(error: Error): MemoryGateway {
  return new Proxy(new MemoryGateway(), {
    get: () => () => {
      throw error;
    },
  });
}

/** Bodies and parameters that an operation of the admin API needs. */
const ADMIN_REQUESTS: Readonly<Record<string, Partial<InjectOptions>>> = {
  'DELETE /api/v1/sessions': { query: { user: 'alice' } },
  'DELETE /api/v1/sessions/{id}': { url: '/api/v1/sessions/s1' },
  'DELETE /api/v1/revocations/{user}': { url: '/api/v1/revocations/mallory' },
  'POST /api/v1/revoke': { payload: { user: 'bob' } },
  'POST /api/v1/test/echo': { payload: { offer: 'an offer' } },
  'POST /api/v1/loglevel': { payload: { levels: 'all:INFO' } },
};

t.test('the description of the ICE API', async (t) => {
  const app = iceApp();
  const routes = routesOf(app);
  const description = (await app.inject('/openapi.json')).json<OpenApi>();
  await expectValid(t, description);
  t.same(operationsOf(description), routes(), 'every route');
  expectTexts(t, description);
  await expectAnswers(t, description, ICE_QUESTIONS, (name, inject) =>
    /^\w+ \/(ice)?$/.test(name) ? { ...inject, query: { service: 'turn' } } : inject,
  );
});

t.test('the description of the admin API', async (t) => {
  const app = adminApp();
  const routes = routesOf(app);
  const description = (await app.inject('/openapi.json')).json<OpenApi>();
  await expectValid(t, description);
  t.same(operationsOf(description), routes(), 'every route');
  expectTexts(t, description);
  await expectAnswers(t, description, ADMIN_QUESTIONS, (name, inject) => ({
    ...inject,
    headers: { authorization: `Bearer ${TOKEN}` },
    ...ADMIN_REQUESTS[name],
  }));
});

/** Every route as the description names it, but for the documentation itself and what Fastify adds for HEAD. */
function routesOf(app: FastifyInstance): () => string[] {
  const routes = new Set<string>();
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (schema?.hide) return;
    for (const each of [method].flat()) {
      routes.add(`${each} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
    }
  });
  return () =>
    [...routes].filter((name) => !/^(HEAD|OPTIONS) | \/(docs|openapi)/.test(name)).toSorted();
}

async function expectValid(t: Test, description: OpenApi): Promise<void> {
  const result = await new Validator().validate(
    structuredClone(description) as unknown as Record<string, unknown>,
  );
  t.same(result.errors ?? [], [], `it is valid OpenAPI ${description.openapi}`);
  t.equal(result.valid, true);
}

function expectTexts(t: Test, { paths, components }: OpenApi): void {
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  const ids = operations.map(({ operationId }) => operationId);
  t.equal(new Set(ids).size, ids.length, 'every operation has an id of its own');
  for (const operation of operations) {
    const { operationId, summary, description, tags, security, parameters = [] } = operation;
    t.ok(summary && description && tags.length === 1, operationId);
    for (const parameter of parameters)
      t.ok(parameter.description, `${operationId} ${parameter.name}`);
    for (const scheme of security.flatMap((each) => Object.keys(each))) {
      t.ok(scheme in components.securitySchemes, `${operationId} ${scheme}`);
    }
  }
}

/** Has every operation answer with every status that it describes, and looks whether the body is as described. */
async function expectAnswers(
  t: Test,
  { paths }: OpenApi,
  questions: Questions,
  prepare: (name: string, inject: InjectOptions) => InjectOptions,
): Promise<void> {
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const name = `${method.toUpperCase()} ${path}`;
      const inject = prepare(name, requestFor(method, path, operation));
      for (const status of Object.keys(operation.responses)) {
        // A stream does not end; test/operate/admin-events.ts reads it.
        if (name.endsWith('/events') && status === '200') continue;
        const question = questions[status]?.(inject, name);
        if (question === undefined) throw new Error(`${name}: who answers ${status}?`);
        if (question.before !== undefined) await question.app.inject(question.before);
        const answer = await question.app.inject(question.inject);
        t.equal(answer.statusCode, Number(status), `${name} answers ${status}`);
        t.equal(undocumented(operation, answer), undefined, `${name} ${status} as described`);
      }
    }
  }
}

function requestFor(
  method: string,
  path: string,
  { requestBody }: OpenApiOperation,
): InjectOptions {
  const [type] = Object.keys(requestBody?.content ?? {});
  return {
    method: method.toUpperCase(),
    url: path.replaceAll(/\{\w+\}/g, 'x'),
    ...(type === 'application/json' && { payload: {} }),
  };
}
