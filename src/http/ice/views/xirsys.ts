import { Type } from '../../../config/schema-types.ts';
import { basicPassword } from '../../shared/secret-digests.ts';
import { readTtlSeconds } from '../parameters.ts';
import { entriesByUri, iceServer } from './ice-servers.ts';
import type { View } from './view.ts';
import {
  BASIC_SCHEME,
  CredentialMembers,
  TtlParameter,
  TurnUri,
  TurnUris,
  viewSchema,
} from './view-schema.ts';

const TAG = 'Xirsys';

/** The request for ICE servers of the Xirsys API v3. */
export const XIRSYS_VIEW: View = {
  findKeys: (request) => [basicPassword(request.headers.authorization)],
  scheme: 'Basic',
  // Scripts send it without a word of what it is.
  bodyType: 'application/json',
  errorBody: ({ message }) => ({ v: message, s: 'error' }),
  tag: { name: TAG, description: 'ICE servers as the Xirsys API v3 answers them' },
  securitySchemes: BASIC_SCHEME,
  operations: [
    {
      method: 'PUT',
      path: '/_turn/:channel',
      statusCode: 200,
      schema: viewSchema({
        operationId: 'putXirsysTurn',
        tag: TAG,
        summary: 'Get ICE servers',
        description:
          'The body is JSON and may be left out; its members may also stand in the query.',
        security: 'basic',
        params: Type.Object({
          channel: Type.String({
            description: 'Path of a channel; any text without a slash, it is not looked at.',
          }),
        }),
        body: Type.Object({
          format: Type.Optional(
            Type.String({
              description:
                '`urls`: one server with a list of URIs; otherwise a list of servers with one `url` each.',
            }),
          ),
          expire: TtlParameter,
        }),
        statusCode: 200,
        answer: Type.Object(
          {
            v: Type.Object({
              iceServers: Type.Union([
                Type.Object({ urls: TurnUris, ...CredentialMembers }),
                Type.Array(Type.Object({ url: TurnUri, ...CredentialMembers }), { minItems: 1 }),
              ]),
            }),
            s: Type.String({ description: '`ok`.' }),
          },
          { description: 'ICE servers with a fresh credential' },
        ),
        error: Type.Object({
          v: Type.String({ description: 'What is wrong.' }),
          s: Type.String({ description: '`error`.' }),
        }),
      }),
      read: (parameters) => ({ userId: '', ttlSeconds: readTtlSeconds(parameters, 'expire') }),
      body: (servers, { parameters }) => ({
        v: {
          iceServers:
            parameters.get('format') === 'urls'
              ? iceServer(servers[0])
              : entriesByUri(servers, (url) => ({ url })),
        },
        s: 'ok',
      }),
    },
  ],
};
