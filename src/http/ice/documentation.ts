import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

const CONTENT_SECURITY_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; " +
  "object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/** Collects the schemas of all routes registered afterwards into an OpenAPI description. */
export function registerOpenApi(app: FastifyInstance): void {
  void app.register(swagger, {
    openapi: {
      openapi: '3.0.3',
      info: {
        title: 'Turnpike ICE API',
        version: '1',
        description:
          'Hands out TURN credentials and ICE configurations to application servers and browsers. ' +
          'Compatible with the authentication service of STUNner and with ' +
          'draft-uberti-behave-turn-rest-00. Errors are text, or JSON when the request says ' +
          '`Accept: application/json`.',
      },
      tags: [
        { name: 'ICE', description: 'Ready ICE configurations for WebRTC clients' },
        { name: 'TURN', description: 'TURN credentials as in the TURN REST API draft' },
      ],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'API key in the Authorization header',
          },
          key: {
            type: 'apiKey',
            in: 'query',
            name: 'key',
            description: 'API key in the query or form',
          },
          api: {
            type: 'apiKey',
            in: 'query',
            name: 'api',
            description: 'API key in the query or form, as Janus sends it',
          },
        },
      },
    },
  });
}

/** Serves `/openapi.json` and `/docs`; they need no API key because they tell nothing about the installation. */
export function registerDocumentationRoutes(app: FastifyInstance): void {
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
    reply
      .header('content-type', 'application/json; charset=utf-8')
      .send(JSON.stringify(app.swagger())),
  );
  void app.register(swaggerUi, { routePrefix: '/docs', staticCSP: CONTENT_SECURITY_POLICY });
}
