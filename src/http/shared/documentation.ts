import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

const CONTENT_SECURITY_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; " +
  "object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/** What an OpenAPI description says besides its routes. */
export type ApiDescription = NonNullable<FastifyDynamicSwaggerOptions['openapi']>;

/** Collects the schemas of all routes registered afterwards into an OpenAPI description. */
export function registerOpenApi(app: FastifyInstance, description: ApiDescription): void {
  void app.register(swagger, { openapi: { ...description, openapi: '3.1.0' } });
}

/** Serves `/openapi.json` and `/docs`; they need no key because they tell nothing about the installation. */
export function registerDocumentationRoutes(app: FastifyInstance): void {
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
    reply
      .header('content-type', 'application/json; charset=utf-8')
      .send(JSON.stringify(app.swagger())),
  );
  void app.register(swaggerUi, { routePrefix: '/docs', staticCSP: CONTENT_SECURITY_POLICY });
}
