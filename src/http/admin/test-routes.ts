import type { FastifyInstance } from 'fastify';
import { audited, type ChangeRoutesOptions } from './audited.ts';
import { echoSchema, testCredentialSchema } from './test-schemas.ts';

/** Adds what the test page of the console needs: a credential of some minutes, and the way to the WebRTC echo. */
export function registerTestRoutes(app: FastifyInstance, options: ChangeRoutesOptions): void {
  const { control } = options;
  app.post('/test/credential', { schema: testCredentialSchema }, async (request, reply) =>
    audited(options, request, reply, 'testCredential', {}, async () => {
      const answer = control.testAccess();
      const { credential } = answer;
      const { username, expiresAt } = credential ?? {};
      return { answer, result: credential === undefined ? {} : { username, expiresAt } };
    }),
  );
  app.route<{ Body: { offer: string } }>({
    method: 'POST',
    url: '/test/echo',
    schema: echoSchema,
    handler: async ({ body: { offer } }) => ({ answer: await control.offerToEcho(offer) }),
  });
}
