import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify';

import { type ApiKeys, presentedKeys } from './api-keys.ts';
import { IceError } from './errors.ts';
import { goQuote } from './go-text.ts';
import {
  iceConfigurationBody,
  type IssuedServer,
  issueServers,
  turnCredentialBody,
} from './ice-configuration.ts';
import type { IceSource } from './ice-source.ts';
import { type IceParameters, rawParameters, readIceParameters } from './parameters.ts';
import { getIceSchema, getTurnSchema, postIceSchema, postTurnSchema } from './schemas.ts';

/** What the credential routes need. */
export interface IceRoutesOptions {
  readonly source: IceSource;
  readonly apiKeys: ApiKeys;
  /** Host for all URIs unless the request names one; undefined: each listener's own. */
  readonly publicAddress: string | undefined;
}

/** Adds `GET|POST /ice` (ICE configuration) and `GET|POST /` (TURN REST). */
export function registerIceRoutes(app: FastifyInstance, options: IceRoutesOptions): void {
  const add = (method: 'GET' | 'POST', view: View, schema: FastifySchema): void => {
    app.route({
      method,
      url: view.path,
      schema,
      handler: async (request, reply) =>
        reply
          .header('content-type', 'application/json; charset=UTF-8')
          .send(answer(view, request, options)),
    });
  };
  add('GET', ICE_VIEW, getIceSchema);
  add('POST', ICE_VIEW, postIceSchema);
  add('GET', TURN_VIEW, getTurnSchema);
  add('POST', TURN_VIEW, postTurnSchema);
}

/** One shape of the same answer. */
interface View {
  readonly path: string;
  readonly isServiceRequired: boolean;
  /** What the error messages call a refused service. */
  readonly serviceErrorPrefix: string;
  /** What the error messages call an answer without listeners. */
  readonly listenerErrorPrefix: string;
  /** The body, or undefined when nothing matches. */
  body(servers: Iterable<IssuedServer>, parameters: IceParameters): string | undefined;
}

const ICE_VIEW: View = {
  path: '/ice',
  isServiceRequired: false,
  serviceErrorPrefix: 'could not generate ICE auth token',
  listenerErrorPrefix: 'could not generate ICE config',
  body(servers, parameters) {
    const all = [...servers];
    return all.length === 0 ? undefined : iceConfigurationBody(all, parameters.iceTransportPolicy);
  },
};

const TURN_VIEW: View = {
  path: '/',
  isServiceRequired: true,
  serviceErrorPrefix: 'could not generate TURN auth token',
  listenerErrorPrefix: 'could not generate TURN auth token',
  body(servers) {
    for (const first of servers) return turnCredentialBody(first);
    return undefined;
  },
};

function answer(
  view: View,
  request: FastifyRequest,
  { source, apiKeys, publicAddress }: IceRoutesOptions,
): string {
  const raw = rawParameters(request);
  apiKeys.admit(presentedKeys(request.headers.authorization, raw.get));
  if (
    view.isServiceRequired &&
    (raw.get('service') ?? '') === '' &&
    raw.bodyProblem === undefined
  ) {
    throw new IceError('ICE_ERR_SERVICE', 'Query argument service is required, but not found');
  }
  const parameters = readIceParameters(raw);
  const gateways = source.gateways();
  if (gateways.length === 0)
    throw new IceError('ICE_ERR_NO_CONFIGURATION', 'no STUNner configuration available');
  if (parameters.service !== 'turn') {
    throw new IceError(
      'ICE_ERR_SERVICE',
      `${view.serviceErrorPrefix}: ${goQuote('"service" must be "turn"')}`,
    );
  }
  const body = view.body(issueServers(gateways, parameters, publicAddress), parameters);
  if (body !== undefined) return body;
  throw new IceError('ICE_ERR_NO_LISTENER', `${view.listenerErrorPrefix}: no valid listener found`);
}
