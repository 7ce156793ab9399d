import { Type } from '../../config/schema-types.ts';
import { SESSIONS_PER_PAGE_DEFAULT, SESSIONS_PER_PAGE_MAX } from '../../limits.ts';
import {
  GatewayStatusAnswer,
  LiveMetricsAnswer,
  RouteAnswerAnswer,
  RoutesAnswer,
  SessionListAnswer,
} from './answer-schemas.ts';
import { CLOSED, readOperation } from './operation-schema.ts';

/** Longest text of a name in a parameter, characters; longer than any USERNAME (RFC 8489 §14.3). */
export const NAME_CHARACTERS_MAX = 1024;

/** Text that names something. */
export const NameText = Type.String({ minLength: 1, maxLength: NAME_CHARACTERS_MAX });

/** Documentation of `GET /status`. */
export const statusSchema = readOperation({
  operationId: 'getStatus',
  tag: 'Status',
  summary: 'How the gateway does',
  description:
    'State, readiness, allocations, workers, listeners, clusters, certificates, revocations.',
  answer: GatewayStatusAnswer,
});

/** Documentation of `GET /config`. */
export const configSchema = readOperation({
  operationId: 'getConfig',
  tag: 'Status',
  summary: 'The effective configuration',
  description: 'In the format of the file, defaults filled in, every secret masked.',
  answer: Type.Record(Type.String(), Type.Unknown(), { description: 'The configuration' }),
});

/** Documentation of `GET /metrics/live`. */
export const metricsSchema = readOperation({
  operationId: 'getLiveMetrics',
  tag: 'Status',
  summary: 'Numbers of now',
  description:
    'Counters since the start and the allocations of now, for a page that shows them live.',
  answer: LiveMetricsAnswer,
});

/** Documentation of `GET /sessions`. */
export const sessionsSchema = readOperation({
  operationId: 'getSessions',
  tag: 'Sessions',
  summary: 'Live sessions',
  description: 'The sessions that fit, up to a limit, and how many fit in all.',
  querystring: Type.Object(
    {
      user: Type.Optional({ ...NameText, description: 'Only sessions of this user id.' }),
      listener: Type.Optional({ ...NameText, description: 'Only sessions of this listener.' }),
      limit: Type.Integer({
        minimum: 1,
        maximum: SESSIONS_PER_PAGE_MAX,
        default: SESSIONS_PER_PAGE_DEFAULT,
        description: 'Sessions in the answer.',
      }),
    },
    CLOSED,
  ),
  answer: SessionListAnswer,
});

/** Documentation of `GET /routes`. */
export const routesSchema = readOperation({
  operationId: 'getRoutes',
  tag: 'Status',
  summary: 'The routes, or what becomes of one peer',
  description:
    'Without a query all listeners with their routes, and all clusters. With `listener` and `peer`: would the peer ' +
    'be relayed, through which cluster and endpoint, or why not.',
  querystring: Type.Object(
    {
      listener: Type.Optional({ ...NameText, description: 'Name of a listener.' }),
      peer: Type.Optional(
        Type.String({
          maxLength: 64,
          description: 'IP address and port of a peer.',
          examples: ['10.0.0.5:5004', '[fd00::5]:5004'],
        }),
      ),
      user_routes: Type.Optional(
        Type.String({
          maxLength: NAME_CHARACTERS_MAX,
          description: 'Clusters that the user is confined to, separated by commas.',
        }),
      ),
    },
    CLOSED,
  ),
  answer: Type.Union([RoutesAnswer, RouteAnswerAnswer], {
    description: 'All routes, or the answer about one peer',
  }),
});
