import type { FastifyInstance } from 'fastify';
import type { GatewayControl } from './gateway-control.ts';
import { type RouteQuery, readRouteQuestion } from './parameters.ts';
import {
  configSchema,
  metricsSchema,
  routesSchema,
  sessionsSchema,
  statusSchema,
} from './read-schemas.ts';

/** Adds the routes that only tell: status, config, sessions, routes and metrics/live. */
export function registerReadRoutes(app: FastifyInstance, control: GatewayControl): void {
  app.get('/status', { schema: statusSchema }, async () => control.status());
  app.get('/config', { schema: configSchema }, async () => control.config());
  app.get('/metrics/live', { schema: metricsSchema }, async () => control.metrics());
  app.route<{ Querystring: SessionsQuery }>({
    method: 'GET',
    url: '/sessions',
    schema: sessionsSchema,
    handler: async ({ query: { user, listener, limit } }) =>
      control.sessions({ userId: user, listener, limit }),
  });
  app.route<{ Querystring: RouteQuery }>({
    method: 'GET',
    url: '/routes',
    schema: routesSchema,
    handler: async ({ query }) => {
      const question = readRouteQuestion(query);
      return question === undefined ? routesOf(control) : control.explainRoute(question);
    },
  });
}

interface SessionsQuery {
  readonly user?: string;
  readonly listener?: string;
  readonly limit: number;
}

function routesOf(control: GatewayControl): object {
  const { listeners, clusters } = control.status();
  return { listeners: listeners.map(({ name, routes }) => ({ name, routes })), clusters };
}
