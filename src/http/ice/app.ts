import cors from '@fastify/cors';
import { normalizeIP } from '@fastify/rate-limit';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';

import type { CompatibleService } from '../../config/compatible-services.ts';
import { GatewayError } from '../../errors.ts';
import { ICE_BODY_BYTES_MAX } from '../../limits.ts';
import { HttpServers } from '../server.ts';
import { type HttpLogRecord, logAnswers } from '../shared/answer-log.ts';
import { registerDocumentationRoutes, registerOpenApi } from '../shared/documentation.ts';
import { limitRequests, type RequestLimit } from '../shared/request-limit.ts';
import { RouteMethods } from '../shared/route-methods.ts';
import { setSecurityHeaders } from '../shared/security-headers.ts';
import { limitUrls } from '../shared/url-limit.ts';
import { ApiKeys, type PresentedKeys, presentedKeys } from './api-keys.ts';
import { describeIceApi } from './documentation.ts';
import { IceError, sendIceError, settleError, toIceError } from './errors.ts';
import { registerIceRoutes } from './ice-routes.ts';
import type { IceSource } from './ice-source.ts';
import { queryParameters } from './parameters.ts';
import { registerView } from './views/view-routes.ts';
import { VIEWS } from './views/views.ts';

/** Options of the ICE API. */
export interface IceAppOptions {
  readonly source: IceSource;
  /** Keys that admit a request; empty: no key is needed, see `assertProtected`. */
  readonly apiKeys?: readonly string[] | undefined;
  /** Exact origins that browsers may call from; default none. */
  readonly cors?: readonly string[] | undefined;
  /** Services whose credential requests are answered as well; default none. */
  readonly compat?: readonly CompatibleService[] | undefined;
  /** Host for all URIs that name none (`STUNNER_PUBLIC_ADDR`); empty or undefined: each listener's own. */
  readonly publicAddress?: string | undefined;
  /** Default: 50 in 1000 ms. */
  readonly rateLimit?: RequestLimit | undefined;
  /** What listens; default: plain HTTP. */
  readonly servers?: HttpServers | undefined;
  /** Called after each answer. */
  readonly log?: ((record: HttpLogRecord) => void) | undefined;
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
  const views = (options.compat ?? []).map((service) => VIEWS[service]);
  registerOpenApi(app, describeIceApi(views));
  void app.register(async (routes) => {
    const { source, publicAddress } = options;
    const routeOptions = { source, apiKeys, publicAddress: publicAddress || undefined };
    registerIceRoutes(routes, routeOptions);
    for (const view of views) registerView(routes, view, routeOptions);
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
  limit: RequestLimit | undefined,
): void {
  limitUrls(app, () => new IceError('ICE_ERR_URL_TOO_LONG', 'request URL too long'));
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
  limitRequests(
    app,
    limit,
    (request) => rateLimitKey(request, apiKeys),
    () => new IceError('ICE_ERR_RATE_LIMIT', 'too many requests'),
  );
}

/** Only a valid key is counted on its own; else an attacker would escape the limit with ever new keys. */
function rateLimitKey(request: FastifyRequest, apiKeys: ApiKeys): string {
  const key = apiKeys.isRequired ? apiKeys.find(keysBeforeBody(request)) : undefined;
  return key === undefined ? `address ${normalizeIP(request.ip)}` : `key ${key}`;
}

function keysBeforeBody(request: FastifyRequest): PresentedKeys {
  const { findKeys } = request.routeOptions.config;
  if (findKeys !== undefined) return findKeys(request);
  const query = queryParameters(request.url);
  return presentedKeys(request.headers.authorization, (name) => query.get(name));
}

function answerErrors(app: FastifyInstance): void {
  const methods = new RouteMethods(app);
  app.setErrorHandler((error, request, reply) =>
    sendIceError(settleError(error, request), request, reply),
  );
  app.after(() => {
    app.setNotFoundHandler({ preHandler: app.rateLimit() }, (request, reply) =>
      sendIceError(noRoute(methods, request.url), request, reply),
    );
  });
}

function noRoute(methods: RouteMethods, url: string): IceError {
  const allow = methods.of(url.split('?', 1)[0] ?? '').join(', ');
  return allow === ''
    ? new IceError('ICE_ERR_PATH', '404 page not found')
    : new IceError('ICE_ERR_METHOD', 'method not allowed', { allow });
}
