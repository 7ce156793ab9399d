import type { FastifyInstance } from 'fastify';
import { ICE_URL_BYTES_MAX } from '../../limits.ts';
import type { HttpError } from './http-error.ts';

/** Refuses requests whose path and query are longer than 4 KiB. */
export function limitUrls(app: FastifyInstance, refusal: () => HttpError): void {
  app.addHook('onRequest', async (request) => {
    if (request.url.length > ICE_URL_BYTES_MAX) throw refusal();
  });
}
