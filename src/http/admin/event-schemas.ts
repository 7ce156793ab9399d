import type { FastifySchema } from 'fastify';
import { Type } from '../../config/schema-types.ts';
import { CLOSED, errorAnswer, readOperation } from './operation-schema.ts';
import { NAME_CHARACTERS_MAX } from './read-schemas.ts';

/** Documentation of `GET /events`. */
export const eventsSchema: FastifySchema = withEventStream(
  readOperation({
    operationId: 'getEvents',
    tag: 'Status',
    summary: 'What happens, as it happens',
    description:
      'Server-sent events: `id`, `event` (the type) and `data`, a JSON object with `id`, `at`, `type` and `data`. ' +
      'The header Last-Event-ID resumes after an event when it is among the last 1000; `stream.gap` says how many ' +
      'are lost. A comment is sent every 15 seconds. A reader that lets 256 kB wait is disconnected.',
    querystring: Type.Object(
      {
        types: Type.Optional(
          Type.String({
            maxLength: NAME_CHARACTERS_MAX,
            description:
              'Types, separated by commas; `allocation` stands for every `allocation.…`.',
            examples: ['allocation,config.reloaded'],
          }),
        ),
      },
      CLOSED,
    ),
    answer: Type.String(),
    otherAnswers: { 503: errorAnswer('32 streams are open already') },
  }),
);

function withEventStream(schema: FastifySchema): FastifySchema {
  const content = { 'text/event-stream': { schema: Type.String() } };
  // Once a stream has begun, whatever fails can only end it.
  const { 500: _failure, ...answers } = schema.response as Record<string, object>;
  const response = { ...answers, 200: { description: 'Events', content } };
  return { ...schema, response };
}
