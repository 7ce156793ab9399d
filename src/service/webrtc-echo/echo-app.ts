import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { HttpServers } from '../../http/server.ts';
import { HttpError, jsonErrorBody, refusalStatus } from '../../http/shared/http-error.ts';
import { hasLoopbackHost, isCrossSite, isFromLoopback } from '../../http/shared/request-origin.ts';
import { RouteMethods } from '../../http/shared/route-methods.ts';
import { setSecurityHeaders } from '../../http/shared/security-headers.ts';
import { ECHO_ANSWER_BYTES_MAX } from '../../limits.ts';

const SDP = 'application/sdp';

/** What answers offers. */
export interface EchoSessions {
  /** Opens a session; throws HttpError ECHO_ERR_OFFER or ECHO_ERR_FULL. */
  open(offer: string): Promise<{ readonly id: string; readonly answer: string }>;
  /** Ends a session; false when there is none. */
  end(id: string): Promise<boolean>;
}

/**
 * Makes a WHIP endpoint (RFC 9725): `POST` of an offer opens a session, `DELETE` of what `Location` names ends it.
 *
 * It serves no pages, and those of others have no business here: whatever they ask is refused.
 *
 * @param path - of the endpoint.
 */
export function createEchoApp(path: string, sessions: EchoSessions): FastifyInstance {
  const servers = new HttpServers();
  const app = Fastify({
    bodyLimit: ECHO_ANSWER_BYTES_MAX,
    serverFactory: (onRequest) => servers.create(onRequest),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(SDP, { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async (request) => refusePages(request));
  app.addHook('onSend', async (_request, reply) => setSecurityHeaders(reply));
  answerErrors(app, new RouteMethods(app));
  registerSessions(app, path, sessions);
  return app;
}

function registerSessions(app: FastifyInstance, path: string, sessions: EchoSessions): void {
  const base = path.replace(/\/$/, '');
  app.post<{ Body: string | undefined }>(path, async (request, reply) => {
    const { id, answer } = await sessions.open(request.body ?? '');
    return reply
      .code(201)
      .headers({ 'content-type': SDP, location: `${base}/${id}` })
      .send(answer);
  });
  app.delete<{ Params: { id: string } }>(`${base}/:id`, async (request, reply) => {
    const isEnded = await sessions.end(request.params.id);
    if (!isEnded) throw new HttpError('ECHO_ERR_SESSION', 404, 'there is no such session');
    return reply.send();
  });
}

/** A page that gives itself a name of this machine (DNS rebinding) is found out by what a browser adds. */
function refusePages(request: FastifyRequest): void {
  const isOfPage = request.headers.origin !== undefined || isCrossSite(request);
  const isOtherName = isFromLoopback(request) && !hasLoopbackHost(request);
  if (!isOfPage && !isOtherName) return;
  throw new HttpError('ECHO_ERR_FORBIDDEN', 403, 'only gateways are answered, not web pages');
}

function answerErrors(app: FastifyInstance, methods: RouteMethods): void {
  app.setErrorHandler((error, _request, reply) => sendError(toHttpError(error), reply));
  app.setNotFoundHandler((request, reply) => {
    const allow = methods.of(request.url.split('?', 1)[0] ?? '').join(', ');
    const refusal =
      allow === ''
        ? new HttpError('ECHO_ERR_PATH', 404, 'there is nothing at this path')
        : new HttpError('ECHO_ERR_METHOD', 405, 'method not allowed', { allow });
    return sendError(refusal, reply);
  });
}

function sendError(error: HttpError, reply: FastifyReply): FastifyReply {
  return reply
    .code(error.statusCode)
    .headers({ ...error.headers, 'content-type': 'application/json; charset=utf-8' })
    .send(jsonErrorBody(error));
}

function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const statusCode = refusalStatus(error);
  return statusCode === undefined
    ? new HttpError('ECHO_ERR_INTERNAL', 500, 'internal server error')
    : new HttpError('ECHO_ERR_REQUEST', statusCode, `POST takes an offer as ${SDP}`);
}
