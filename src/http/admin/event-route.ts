import type { FastifyInstance } from 'fastify';
import { apiError } from './errors.ts';
import { eventsSchema } from './event-schemas.ts';
import type { EventStreams } from './event-streams.ts';
import { readList } from './parameters.ts';

/** Adds `GET /events`, a stream of server-sent events. */
export function registerEventRoute(app: FastifyInstance, streams: EventStreams): void {
  app.get<{ Querystring: { types?: string } }>(
    '/events',
    { schema: eventsSchema, exposeHeadRoute: false },
    async (request, reply) => {
      const types = readList(request.query.types ?? '');
      const afterId = readLastEventId(request.headers['last-event-id']);
      streams.open(reply, { types, afterId });
      return reply;
    },
  );
}

function readLastEventId(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  const id = /^\d{1,16}$/.test(String(header)) ? Number(header) : Number.NaN;
  if (Number.isSafeInteger(id)) return id;
  throw apiError('API_ERR_PARAMETER', 'Last-Event-ID is the id of an event');
}
