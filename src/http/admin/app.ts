import { normalizeIP } from '@fastify/rate-limit';
import Fastify, { type FastifyInstance } from 'fastify';
import { registerConsole } from '../console/routes.ts';
import { HttpServers } from '../server.ts';
import { type HttpLogRecord, logAnswers, noteFailure } from '../shared/answer-log.ts';
import { registerDocumentationRoutes, registerOpenApi } from '../shared/documentation.ts';
import { limitRequests, type RequestLimit } from '../shared/request-limit.ts';
import { RouteMethods } from '../shared/route-methods.ts';
import { setSecurityHeaders } from '../shared/security-headers.ts';
import { limitUrls } from '../shared/url-limit.ts';
import { Access, type AccessOptions } from './access.ts';
import type { AuditRecord } from './audit.ts';
import { registerChangeRoutes } from './change-routes.ts';
import { ADMIN_API_DESCRIPTION } from './description.ts';
import { apiError, sendApiError, toApiError } from './errors.ts';
import { registerEventRoute } from './event-route.ts';
import { EventStreams, type EventStreamLimits } from './event-streams.ts';
import type { GatewayControl } from './gateway-control.ts';
import { registerReadRoutes } from './read-routes.ts';
import { registerTestRoutes } from './test-routes.ts';
import { acceptJsonBodies, validateStrictly } from './validation.ts';

const BODY_BYTES_MAX = 16 * 1024;

/** Options of the admin API and the console. */
export interface AdminAppOptions extends AccessOptions {
  readonly control: GatewayControl;
  /** Called for each request that changes something, after it was done or refused. */
  readonly audit?: ((record: AuditRecord) => void) | undefined;
  /** Default: 50 in 1000 ms for each address. */
  readonly rateLimit?: RequestLimit | undefined;
  /** Default: see `EventStreamLimits`. */
  readonly eventStreams?: Partial<EventStreamLimits> | undefined;
  /** What listens; default: plain HTTP. */
  readonly servers?: HttpServers | undefined;
  /** Called after each answer. */
  readonly log?: ((record: HttpLogRecord) => void) | undefined;
}

/**
 * Makes the admin API with its console; it does not listen yet. Whether it may be served beyond loopback is for
 * `assertProtected` to say.
 */
export function createAdminApp(options: AdminAppOptions): FastifyInstance {
  const servers = options.servers ?? new HttpServers();
  const app = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    serverFactory: (onRequest) => servers.create(onRequest),
    frameworkErrors: (error, _request, reply) => {
      setSecurityHeaders(reply);
      void sendApiError(toApiError(error), reply);
    },
  });
  acceptJsonBodies(app);
  validateStrictly(app);
  protect(app, options.rateLimit);
  const methods = new RouteMethods(app);
  answerErrors(app, methods);
  if (options.log !== undefined) logAnswers(app, options.log);
  registerOpenApi(app, ADMIN_API_DESCRIPTION);
  void app.register(async (routes) => registerDocumentationRoutes(routes));
  void app.register(registerConsole);
  void app.register(async (routes) => registerApi(routes, options, methods), { prefix: '/api/v1' });
  return app;
}

function protect(app: FastifyInstance, limit: RequestLimit | undefined): void {
  limitUrls(app, () => apiError('API_ERR_URL_TOO_LONG', 'request URL too long'));
  app.addHook('onSend', async (_request, reply) => setSecurityHeaders(reply));
  limitRequests(
    app,
    limit,
    ({ ip }) => normalizeIP(ip),
    () => apiError('API_ERR_RATE_LIMIT', 'too many requests'),
  );
}

function answerErrors(app: FastifyInstance, methods: RouteMethods): void {
  app.setErrorHandler((error, request, reply) => {
    const refusal = toApiError(error);
    if (refusal.statusCode === 500) noteFailure(request, error);
    return sendApiError(refusal, reply);
  });
  app.after(() => refuseUnknownPaths(app, methods));
}

function refuseUnknownPaths(routes: FastifyInstance, methods: RouteMethods): void {
  routes.setNotFoundHandler({ preHandler: routes.rateLimit() }, (request, reply) => {
    const allowed = methods.of(request.url.split('?', 1)[0] ?? '');
    const refusal =
      allowed.length === 0
        ? apiError('API_ERR_PATH', 'there is nothing at this path; see /docs')
        : apiError('API_ERR_METHOD', 'method not allowed', { allow: allowed.join(', ') });
    return sendApiError(refusal, reply);
  });
}

function registerApi(
  routes: FastifyInstance,
  options: AdminAppOptions,
  methods: RouteMethods,
): void {
  const access = new Access(options);
  const streams = new EventStreams(options.control, options.eventStreams);
  routes.addHook('onRequest', async (request) => access.admit(request));
  routes.addHook('preClose', async () => streams.close());
  refuseUnknownPaths(routes, methods);
  registerReadRoutes(routes, options.control);
  const changing = { ...options, access };
  registerChangeRoutes(routes, changing);
  registerTestRoutes(routes, changing);
  registerEventRoute(routes, streams);
}
