import type { FastifyInstance, FastifyRequest } from 'fastify';

/** One answered request, free of anything the client wrote. */
export interface HttpLogRecord {
  readonly method: string;
  /** Path of the route, without query; `unknown` when no route matches. */
  readonly route: string;
  readonly statusCode: number;
  readonly clientAddress: string;
  readonly milliseconds: number;
  /** What went wrong inside when the status is 500 by a failure; for operators only. */
  readonly failure?: unknown;
}

const failures = new WeakMap<FastifyRequest, unknown>();

/** Remembers why a request failed, for its log record. */
export function noteFailure(request: FastifyRequest, error: unknown): void {
  failures.set(request, error);
}

/** Calls back after each answer. */
export function logAnswers(app: FastifyInstance, log: (record: HttpLogRecord) => void): void {
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
