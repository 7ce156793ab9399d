import cors from '@fastify/cors';
import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

import { GatewayError } from '../../errors.ts';
import {
  ICE_BODY_BYTES_MAX,
  ICE_RATE_ENTRIES_MAX,
  ICE_REQUESTS_PER_SECOND_MAX_DEFAULT,
  ICE_URL_BYTES_MAX,
} from '../../limits.ts';
import { HttpServers } from '../server.ts';
import { ApiKeys } from './api-keys.ts';
import { registerDocumentationRoutes, registerOpenApi } from './documentation.ts';
import { IceError, sendIceError, toIceError } from './errors.ts';
import { registerIceRoutes } from './ice-routes.ts';
import type { IceSource } from './ice-source.ts';
import { queryParameters } from './parameters.ts';

/** One answered request, free of anything the client wrote. */
export interface IceLogRecord {
  readonly method: string;
  /** Path of the route, without query; `unknown` when no route matches. */
  readonly route: string;
  readonly statusCode: number;
  readonly clientAddress: string;
  readonly milliseconds: number;
  /** What went wrong inside when the status is 500 by a failure; for operators only. */
  readonly failure?: unknown;
}

/** How often one client address or API key may ask. */
export interface IceRateLimit {
  /** Requests per window. */
  readonly requestsMax: number;
  readonly windowMilliseconds: number;
}

/** Options of the ICE API. */
export interface IceAppOptions {
  readonly source: IceSource;
  /** Keys that admit a request; empty: no key is needed, see `assertProtected`. */
  readonly apiKeys?: readonly string[] | undefined;
  /** Exact origins that browsers may call from; default none. */
  readonly cors?: readonly string[] | undefined;
  /** Host for all URIs that name none (`STUNNER_PUBLIC_ADDR`); empty or undefined: each listener's own. */
  readonly publicAddress?: string | undefined;
  /** Default: 50 in 1000 ms. */
  readonly rateLimit?: IceRateLimit | undefined;
  /** What listens; default: plain HTTP. */
  readonly servers?: HttpServers | undefined;
  /** Called after each answer. */
  readonly log?: ((record: IceLogRecord) => void) | undefined;
}

/**
 * Makes the ICE API; it does not listen yet.
 *
 * @throws GatewayError GW_ERR_CONFIG_INVALID when `cors` holds something other than an exact origin.
 */
export function createIceApp(options: IceAppOptions): FastifyInstance {
  const origins = options.cors ?? [];
  assertExactOrigins(origins);
  const apiKeys = new ApiKeys(options.apiKeys ?? []);
  const app = createServer(options.servers ?? new HttpServers());
  acceptAnyBody(app);
  documentOnly(app);
  protect(app, origins, apiKeys, options.rateLimit);
  answerErrors(app);
  if (options.log !== undefined) logAnswers(app, options.log);
  registerOpenApi(app);
  void app.register(async (routes) => {
    registerIceRoutes(routes, {
      source: options.source,
      apiKeys,
      publicAddress: options.publicAddress || undefined,
    });
    registerDocumentationRoutes(routes);
  });
  return app;
}

function assertExactOrigins(origins: readonly string[]): void {
  for (const origin of origins) {
    if (/^[a-z][a-z0-9+.-]*:\/\/[^\s/*?#@]+$/.test(origin)) continue;
    throw new GatewayError(
      'GW_ERR_CONFIG_INVALID',
      `ice.cors takes exact origins such as https://app.example.org; ${JSON.stringify(origin)} is not one`,
    );
  }
}

function createServer(servers: HttpServers): FastifyInstance {
  return Fastify({
    bodyLimit: ICE_BODY_BYTES_MAX,
    serverFactory: (onRequest) => servers.create(onRequest),
    frameworkErrors: (error, request, reply) => {
      setSecurityHeaders(reply);
      void sendIceError(toIceError(error), request, reply);
    },
  });
}

/** Takes bodies of every type as text, because the query alone may suffice. */
function acceptAnyBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
}

/** Keeps schemas as documentation: STUNner's own error texts come from `parameters.ts`. */
function documentOnly(app: FastifyInstance): void {
  app.setValidatorCompiler(() => (value) => ({ value }));
  app.setSerializerCompiler(() => JSON.stringify);
}

function protect(
  app: FastifyInstance,
  origins: readonly string[],
  apiKeys: ApiKeys,
  limit: IceRateLimit | undefined,
): void {
  app.addHook('onRequest', async (request) => {
    if (request.url.length > ICE_URL_BYTES_MAX)
      throw new IceError('ICE_ERR_URL_TOO_LONG', 'request URL too long');
  });
  app.addHook('onSend', async (_request, reply) => setSecurityHeaders(reply));
  if (origins.length > 0) {
    void app.register(cors, {
      origin: [...origins],
      methods: ['GET', 'HEAD', 'POST'],
      allowedHeaders: ['Accept', 'Authorization', 'Content-Type'],
      exposedHeaders: ['Retry-After'],
      credentials: false,
      maxAge: 600,
    });
  }
  void app.register(rateLimit, {
    max: limit?.requestsMax ?? ICE_REQUESTS_PER_SECOND_MAX_DEFAULT,
    timeWindow: limit?.windowMilliseconds ?? 1000,
    cache: ICE_RATE_ENTRIES_MAX,
    keyGenerator: (request) => rateLimitKey(request, apiKeys),
    errorResponseBuilder: () => new IceError('ICE_ERR_RATE_LIMIT', 'too many requests'),
  });
}

/** Only a valid key is counted on its own; else an attacker would escape the limit with ever new keys. */
function rateLimitKey(request: FastifyRequest, apiKeys: ApiKeys): string {
  const query = apiKeys.isRequired ? queryParameters(request.url) : undefined;
  const key = query && apiKeys.find(request.headers.authorization, (name) => query.get(name));
  return key === undefined ? `address ${normalizeIP(request.ip)}` : `key ${key}`;
}

function setSecurityHeaders(reply: FastifyReply): void {
  void reply.headers({
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
}

function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const iceError = toIceError(error);
    if (iceError.code === 'ICE_ERR_INTERNAL') failures.set(request, error);
    return sendIceError(iceError, request, reply);
  });
  app.after(() => {
    app.setNotFoundHandler({ preHandler: app.rateLimit() }, (request, reply) =>
      sendIceError(noRoute(app, request.url), request, reply),
    );
  });
}

function noRoute(app: FastifyInstance, url: string): IceError {
  const path = url.split('?', 1)[0] ?? '';
  const methods = (['GET', 'HEAD', 'POST'] as const).filter(
    (method) => ROUTE_PATHS.has(path) && app.hasRoute({ method, url: path }),
  );
  if (methods.length === 0) return new IceError('ICE_ERR_PATH', '404 page not found');
  return new IceError('ICE_ERR_METHOD', 'method not allowed', { allow: methods.join(', ') });
}

const ROUTE_PATHS: ReadonlySet<string> = new Set(['/', '/ice', '/openapi.json', '/docs', '/docs/']);

const failures = new WeakMap<FastifyRequest, unknown>();

function logAnswers(app: FastifyInstance, log: (record: IceLogRecord) => void): void {
  app.addHook('onResponse', async (request, reply) => {
    const failure = failures.get(request);
    log({
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      statusCode: reply.statusCode,
      clientAddress: request.ip,
      milliseconds: reply.elapsedTime,
      ...(failure !== undefined && { failure }),
    });
  });
}
