import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { IceError, settleError } from '../errors.ts';
import { issueServers } from '../ice-configuration.ts';
import type { IceRoutesOptions } from '../ice-routes.ts';
import { rawParameters } from '../parameters.ts';
import type { View, ViewOperation } from './view.ts';

/** Adds the routes of a view, with errors as its service writes them. */
export function registerView(app: FastifyInstance, view: View, options: IceRoutesOptions): void {
  void app.register(async (routes) => {
    routes.setErrorHandler((error, request, reply) => {
      const iceError = settleError(error, request);
      void reply.code(iceError.statusCode).headers({ ...iceError.headers });
      return sendJson(reply, view.errorBody(iceError));
    });
    for (const operation of view.operations) {
      routes.route({
        method: operation.method,
        url: operation.path,
        schema: operation.schema,
        config: { findKeys: view.findKeys },
        handler: async (request, reply) => {
          const body = answer(view, operation, request, options);
          return sendJson(reply.code(operation.statusCode), body);
        },
      });
    }
  });
}

function answer(
  view: View,
  operation: ViewOperation,
  request: FastifyRequest,
  { source, apiKeys, publicAddress }: IceRoutesOptions,
): unknown {
  apiKeys.admit(view.findKeys(request), view.scheme);
  const parameters = rawParameters(request, view.bodyType);
  if (parameters.bodyProblem !== undefined) {
    throw new IceError('ICE_ERR_BODY', parameters.bodyProblem);
  }
  const asked = operation.read(parameters);
  const gateways = source.gateways();
  if (gateways.length === 0) {
    throw new IceError('ICE_ERR_NO_CONFIGURATION', 'no configuration available');
  }
  const [first, ...others] = issueServers(gateways, asked, publicAddress);
  if (first === undefined) throw new IceError('ICE_ERR_NO_LISTENER', 'no valid listener found');
  const path = request.params as Readonly<Record<string, string>>;
  return operation.body([first, ...others], { parameters, path });
}

function sendJson(reply: FastifyReply, body: unknown): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(body));
}
