import type { FastifyInstance } from 'fastify';
import { audited, type ChangeRoutesOptions, type Outcome } from './audited.ts';
import {
  drainSchema,
  kickSessionSchema,
  kickUserSchema,
  logLevelSchema,
  reloadSchema,
  revokeSchema,
  undrainSchema,
  unrevokeSchema,
} from './change-schemas.ts';
import { apiError } from './errors.ts';
import type { GatewayControl } from './gateway-control.ts';
import { readUntil } from './parameters.ts';

const CONFIG_BYTES_MAX = 4 * 1024 * 1024;
const CONFIG_REFUSED =
  'config goes with dryRun: the gateway takes its configuration from its own file';

/** Adds the routes that change something; each use is audited. */
export function registerChangeRoutes(app: FastifyInstance, options: ChangeRoutesOptions): void {
  const { control } = options;
  registerKicks(app, options);
  registerUnrevoke(app, options);
  app.post<{ Body?: { dryRun?: boolean; config?: string } }>(
    '/reload',
    { schema: reloadSchema, bodyLimit: CONFIG_BYTES_MAX },
    async (request, reply) => {
      const { dryRun: isDryRun = false, config } = request.body ?? {};
      if (config !== undefined && !isDryRun) throw apiError('API_ERR_PARAMETER', CONFIG_REFUSED);
      return audited(options, request, reply, 'reload', { dryRun: isDryRun }, async () => {
        const answer = await (isDryRun ? control.planReload(config) : control.reload());
        const { outcome, changes, problems } = answer;
        return {
          answer,
          result: { outcome, changes: changes.length, problems: problems.length },
          statusCode: outcome === 'failed' ? 422 : 200,
        };
      });
    },
  );
  app.post('/drain', { schema: drainSchema }, async (request, reply) =>
    audited(options, request, reply, 'drain', {}, async () => {
      control.drain();
      return stateOf(control);
    }),
  );
  app.post('/undrain', { schema: undrainSchema }, async (request, reply) =>
    audited(options, request, reply, 'undrain', {}, async () => {
      if (!control.undrain()) throw apiError('API_ERR_STATE', 'the gateway is stopping');
      return stateOf(control);
    }),
  );
  app.post<{ Body: RevokeBody }>('/revoke', { schema: revokeSchema }, async (request, reply) => {
    const { user, until } = request.body;
    return audited(options, request, reply, 'revoke', { user, until }, async () => {
      const now = Date.now() / 1000;
      const seconds = until === undefined ? undefined : readUntil(until, now);
      const answer = await control.revoke(user, seconds);
      return { answer, result: { until: answer.until, ended: answer.ended } };
    });
  });
  app.post<{ Body: { levels: string } }>(
    '/loglevel',
    { schema: logLevelSchema },
    async (request, reply) => {
      const { levels } = request.body;
      return audited(options, request, reply, 'loglevel', { levels }, async () => {
        const answer = { levels: control.setLogLevels(levels) };
        return { answer, result: answer };
      });
    },
  );
}

function registerUnrevoke(app: FastifyInstance, options: ChangeRoutesOptions): void {
  app.delete<{ Params: { user: string } }>(
    '/revocations/:user',
    { schema: unrevokeSchema },
    async (request, reply) => {
      const { user } = request.params;
      return audited(options, request, reply, 'unrevoke', { user }, async () => {
        const isLifted = options.control.unrevoke(user);
        if (!isLifted) throw apiError('API_ERR_REVOCATION', 'the user is not revoked');
        return { answer: { userId: user }, result: { userId: user } };
      });
    },
  );
}

function registerKicks(app: FastifyInstance, options: ChangeRoutesOptions): void {
  const { control } = options;
  app.delete<{ Params: { id: string } }>(
    '/sessions/:id',
    { schema: kickSessionSchema },
    async (request, reply) => {
      const { id } = request.params;
      return audited(options, request, reply, 'kick', { id }, async () => {
        const ended = await control.kick({ id });
        if (ended === 0) throw apiError('API_ERR_SESSION', 'there is no such session');
        return { answer: { ended }, result: { ended } };
      });
    },
  );
  app.delete<{ Querystring: { user: string } }>(
    '/sessions',
    { schema: kickUserSchema },
    async (request, reply) => {
      const { user } = request.query;
      return audited(options, request, reply, 'kick', { user }, async () => {
        const ended = await control.kick({ userId: user });
        return { answer: { ended }, result: { ended } };
      });
    },
  );
}

interface RevokeBody {
  readonly user: string;
  readonly until?: string | number;
}

function stateOf(control: GatewayControl): Outcome {
  const answer = { state: control.status().state };
  return { answer, result: answer };
}
