import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ICE_RATE_ENTRIES_MAX, ICE_REQUESTS_PER_SECOND_MAX_DEFAULT } from '../../limits.ts';
import { HttpError } from './http-error.ts';

/** How often one client may ask. */
export interface RequestLimit {
  /** Requests per window. */
  readonly requestsMax: number;
  readonly windowMilliseconds: number;
}

/**
 * Refuses requests beyond a rate.
 *
 * @param limit - undefined: 50 in 1000 ms.
 * @param keyOf - names the client that a request is counted for.
 * @param refusal - makes the error that is answered.
 */
export function limitRequests(
  app: FastifyInstance,
  limit: RequestLimit | undefined,
  keyOf: (request: FastifyRequest) => string,
  refusal: () => HttpError,
): void {
  void app.register(rateLimit, {
    max: limit?.requestsMax ?? ICE_REQUESTS_PER_SECOND_MAX_DEFAULT,
    timeWindow: limit?.windowMilliseconds ?? 1000,
    cache: ICE_RATE_ENTRIES_MAX,
    keyGenerator: keyOf,
    errorResponseBuilder: refusal,
  });
}
