import Fastify, { type FastifyInstance } from 'fastify';
import { HttpServers } from '../../http/server.ts';
import { HttpError, jsonErrorBody, refusalStatus } from '../../http/shared/http-error.ts';
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
 * It answers no preflight requests: pages of other origins have no business here.
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
  app.addHook('onSend', async (_request, reply) => setSecurityHeaders(reply));
  app.setErrorHandler((error, _request, reply) => {
    const refusal = toHttpError(error);
    return reply
      .code(refusal.statusCode)
      .headers({ ...refusal.headers, 'content-type': 'application/json; charset=utf-8' })
      .send(jsonErrorBody(refusal));
  });
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
  return app;
}

function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const statusCode = refusalStatus(error);
  return statusCode === undefined
    ? new HttpError('ECHO_ERR_INTERNAL', 500, 'internal server error')
    : new HttpError('ECHO_ERR_REQUEST', statusCode, `POST takes an offer as ${SDP}`);
}
