import { Type } from '../../../config/schema-types.ts';
import { ICE_TTL_DEFAULT_SECONDS } from '../../../limits.ts';
import { queryParameters } from '../parameters.ts';
import { entriesByUri } from './ice-servers.ts';
import type { View } from './view.ts';
import { CredentialMembers, TurnUri, viewSchema } from './view-schema.ts';

const TAG = 'Metered';

/** The credential request of Metered's TURN REST API v1. */
export const METERED_VIEW: View = {
  findKeys: (request) => [queryParameters(request.url).get('apiKey')],
  scheme: 'Bearer',
  errorBody: ({ message }) => ({ error: message }),
  tag: { name: TAG, description: 'ICE servers as the TURN REST API of Metered answers them' },
  securitySchemes: {
    apiKey: {
      type: 'apiKey',
      in: 'query',
      name: 'apiKey',
      description: 'API key in the query, as clients of Metered send it',
    },
  },
  operations: [
    {
      method: 'GET',
      path: '/api/v1/turn/credentials',
      statusCode: 200,
      schema: viewSchema({
        operationId: 'getMeteredCredentials',
        tag: TAG,
        summary: 'Get ICE servers',
        description: 'Other parameters, such as `region`, are not looked at.',
        security: 'apiKey',
        statusCode: 200,
        answer: Type.Array(Type.Object({ urls: TurnUri, ...CredentialMembers }), {
          minItems: 1,
          description: 'Goes into `RTCConfiguration.iceServers` unchanged.',
        }),
        error: Type.Object({ error: Type.String() }),
      }),
      read: () => ({ userId: '', ttlSeconds: ICE_TTL_DEFAULT_SECONDS }),
      body: (servers) => entriesByUri(servers, (urls) => ({ urls })),
    },
  ],
};
