import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { GatewayStatus } from '../admin/gateway-control.ts';
import { HttpServers } from '../server.ts';
import { type HttpLogRecord, logAnswers, noteFailure } from '../shared/answer-log.ts';
import { HttpError, jsonErrorBody, refusalStatus } from '../shared/http-error.ts';
import { RouteMethods } from '../shared/route-methods.ts';
import { setSecurityHeaders } from '../shared/security-headers.ts';
import { limitUrls } from '../shared/url-limit.ts';
import { healthStatus } from './health-status.ts';

/** What health checks ask; each call is answered for this very moment. */
export interface HealthSource {
  /** False when a worker's loop stands still. */
  isAlive(): boolean;
  /** Whether new clients may be sent here, and why not; the reason has no user ids and no addresses of clients. */
  readiness(): { readonly isReady: boolean; readonly reason: string | undefined };
  status(): GatewayStatus;
}

/** Options of the health checks. */
export interface HealthAppOptions {
  /** What listens; default: plain HTTP. */
  readonly servers?: HttpServers | undefined;
  /** Called after each answer. */
  readonly log?: ((record: HttpLogRecord) => void) | undefined;
}

/** Makes the health checks; they do not listen yet. They ask nobody for a token and tell nothing secret. */
export function createHealthApp(
  source: HealthSource,
  options: HealthAppOptions = {},
): FastifyInstance {
  const servers = options.servers ?? new HttpServers();
  const app = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    serverFactory: (onRequest) => servers.create(onRequest),
    frameworkErrors: (error, _request, reply) => {
      setSecurityHeaders(reply);
      void sendError(toHealthError(error), reply);
    },
  });
  limitUrls(app, () => new HttpError('HEALTH_ERR_URL_TOO_LONG', 414, 'request URL too long'));
  app.addHook('onSend', async (_request, reply) => setSecurityHeaders(reply));
  const methods = new RouteMethods(app);
  answerErrors(app, methods);
  if (options.log !== undefined) logAnswers(app, options.log);
  registerHealthRoutes(app, source);
  return app;
}

const BODY_BYTES_MAX = 1024;

function registerHealthRoutes(app: FastifyInstance, source: HealthSource): void {
  app.get('/live', async (_request, reply) => {
    if (source.isAlive()) return sendJson(reply, 200, {});
    return sendJson(reply, 503, { status: 503, message: 'a worker stands still' });
  });
  for (const path of ['/ready', '/health']) {
    app.get(path, async (_request, reply) => {
      const { isReady, reason } = source.readiness();
      if (isReady) return sendJson(reply, 200, { status: 200, message: 'READY' });
      return sendJson(reply, 503, { status: 503, message: reason ?? 'not ready' });
    });
  }
  app.get('/status', async (_request, reply) => {
    return sendJson(reply, 200, healthStatus(source.status()));
  });
}

function answerErrors(app: FastifyInstance, methods: RouteMethods): void {
  app.setErrorHandler((error, request, reply) => {
    const refusal = toHealthError(error);
    if (refusal.statusCode === 500) noteFailure(request, error);
    return sendError(refusal, reply);
  });
  app.setNotFoundHandler((request, reply) => {
    const allow = methods.of(request.url.split('?', 1)[0] ?? '').join(', ');
    const refusal =
      allow === ''
        ? new HttpError('HEALTH_ERR_PATH', 404, 'there are /live, /ready, /health and /status')
        : new HttpError('HEALTH_ERR_METHOD', 405, 'method not allowed', { allow });
    return sendError(refusal, reply);
  });
}

function toHealthError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const statusCode = refusalStatus(error);
  return statusCode === undefined
    ? new HttpError('HEALTH_ERR_INTERNAL', 500, 'internal server error')
    : new HttpError('HEALTH_ERR_REQUEST', statusCode, 'bad request');
}

function sendError(error: HttpError, reply: FastifyReply): FastifyReply {
  return reply
    .code(error.statusCode)
    .headers({ ...error.headers, 'content-type': 'application/json; charset=utf-8' })
    .send(jsonErrorBody(error));
}

/** Like STUNner's answers: one line that ends in a line break. */
function sendJson(reply: FastifyReply, statusCode: number, body: object): FastifyReply {
  return reply
    .code(statusCode)
    .header('content-type', 'application/json; charset=utf-8')
    .send(`${JSON.stringify(body)}\n`);
}
