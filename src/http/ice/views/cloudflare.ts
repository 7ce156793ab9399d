import type { TSchema } from 'typebox';
import { Type } from '../../../config/schema-types.ts';
import { ICE_USER_ID_BYTES_MAX } from '../../../limits.ts';
import { jsonError } from '../../shared/http-error.ts';
import { bearerToken } from '../../shared/secret-digests.ts';
import { readTtlSeconds, readUserId } from '../parameters.ts';
import { JsonError } from '../schemas.ts';
import { iceServer } from './ice-servers.ts';
import type { IssuedServers, View, ViewOperation } from './view.ts';
import { CredentialMembers, TtlParameter, TurnUris, viewSchema } from './view-schema.ts';

const TAG = 'Cloudflare';

const IceServer = Type.Object(
  { urls: TurnUris, ...CredentialMembers },
  { description: 'Goes into `RTCConfiguration.iceServers` unchanged.' },
);

/** `generate-ice-servers` of Cloudflare's Realtime TURN service, and the older `generate`, which answers one server. */
export const CLOUDFLARE_VIEW: View = {
  findKeys: (request) => [bearerToken(request.headers.authorization)],
  scheme: 'Bearer',
  // Scripts send it without a word of what it is.
  bodyType: 'application/json',
  errorBody: jsonError,
  tag: { name: TAG, description: "ICE servers as Cloudflare's Realtime TURN service answers them" },
  operations: [
    generate('generate-ice-servers', Type.Array(IceServer, { minItems: 1 }), (servers) =>
      servers.map(iceServer),
    ),
    generate('generate', IceServer, ([first]) => iceServer(first)),
  ],
};

function generate(
  action: string,
  iceServers: TSchema,
  write: (servers: IssuedServers) => unknown,
): ViewOperation {
  return {
    method: 'POST',
    path: `/v1/turn/keys/:keyId/credentials/${action}`,
    statusCode: 201,
    schema: viewSchema({
      operationId: action === 'generate' ? 'generateCredentials' : 'generateIceServers',
      tag: TAG,
      summary: action === 'generate' ? 'Get an ICE server' : 'Get ICE servers',
      description: 'The body is JSON and may be left out.',
      security: 'bearer',
      params: Type.Object({
        keyId: Type.String({ description: 'Id of a TURN key; any text, it is not looked at.' }),
      }),
      body: Type.Object({
        ttl: TtlParameter,
        customIdentifier: Type.Optional(
          Type.String({
            maxLength: ICE_USER_ID_BYTES_MAX,
            description: 'User id inside an ephemeral username, at most 256 bytes of UTF-8.',
          }),
        ),
      }),
      statusCode: 201,
      answer: Type.Object({ iceServers }, { description: 'ICE servers with a fresh credential' }),
      error: JsonError,
    }),
    read: (parameters) => ({
      userId: readUserId(parameters, 'customIdentifier'),
      ttlSeconds: readTtlSeconds(parameters, 'ttl'),
    }),
    body: (servers) => ({ iceServers: write(servers) }),
  };
}
