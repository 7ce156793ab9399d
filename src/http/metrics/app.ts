import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { HTTP_HEADER_BYTES_MAX } from '../../limits.ts';
import type { Metrics } from '../../metrics/registry.ts';
import { refusalStatus } from '../shared/http-error.ts';
import { setSecurityHeaders } from '../shared/security-headers.ts';

/** Options of the metrics endpoint. */
export interface MetricsAppOptions {
  readonly metrics: Metrics;
  /** Path that is served besides `/metrics`. */
  readonly path: string;
  /** Told when a scrape failed inside. */
  readonly onFailure?: ((failure: unknown) => void) | undefined;
}

/** What Prometheus asks for unless it is told otherwise. */
const USUAL_PATH = '/metrics';

/** Makes the endpoint that Prometheus scrapes, open to everybody who reaches it; it does not listen. */
export function createMetricsApp({ metrics, path, onFailure }: MetricsAppOptions): FastifyInstance {
  const paths = new Set([path, USUAL_PATH]);
  const app = Fastify({
    bodyLimit: HTTP_HEADER_BYTES_MAX,
    exposeHeadRoutes: true,
    frameworkErrors: (_error, _request, reply) => {
      // Hooks are not run for these.
      setSecurityHeaders(reply);
      void refuse(reply, 400, 'bad request');
    },
  });
  app.removeAllContentTypeParsers();
  app.addHook('onSend', async (_request, reply) => setSecurityHeaders(reply));
  // The path of the configuration may hold what a router takes for a pattern.
  app.get('*', async (request, reply) => {
    if (!paths.has(pathOf(request))) return refuse(reply, 404, 'not found');
    return reply.type(metrics.contentType).send(await metrics.scrape());
  });
  app.setNotFoundHandler((request, reply) => {
    if (!paths.has(pathOf(request))) return refuse(reply, 404, 'not found');
    return refuse(reply.header('allow', 'GET, HEAD'), 405, 'method not allowed');
  });
  app.setErrorHandler((error, _request, reply) => {
    const refusal = refusalStatus(error);
    if (refusal !== undefined) return refuse(reply, refusal, 'bad request');
    onFailure?.(error);
    return refuse(reply, 500, 'the metrics could not be read');
  });
  return app;
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0]!;
}

function refuse(reply: FastifyReply, status: number, message: string): FastifyReply {
  return reply.code(status).type('text/plain; charset=utf-8').send(`${message}\n`);
}
