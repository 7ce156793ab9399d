import { Type } from '../../../config/schema-types.ts';
import { ICE_TTL_DEFAULT_SECONDS } from '../../../limits.ts';
import { bearerToken } from '../../shared/secret-digests.ts';
import type { IceError, IceErrorCode } from '../errors.ts';
import type { View } from './view.ts';
import { CredentialMembers, TurnUris, viewSchema } from './view-schema.ts';

const TAG = 'Matrix';

/**
 * `turnServer` of the Matrix client-server API v1.1 and later, for a reverse proxy that serves it in place of the
 * homeserver and puts in the API key.
 */
export const MATRIX_VIEW: View = {
  findKeys: (request) => [bearerToken(request.headers.authorization)],
  scheme: 'Bearer',
  errorBody: ({ code, message }: IceError) => ({
    errcode: ERROR_CODES.get(code) ?? 'M_UNKNOWN',
    error: message,
  }),
  tag: { name: TAG, description: 'TURN credentials as a Matrix homeserver hands them out' },
  operations: [
    {
      method: 'GET',
      path: '/_matrix/client/v3/voip/turnServer',
      statusCode: 200,
      schema: viewSchema({
        operationId: 'getMatrixTurnServer',
        tag: TAG,
        summary: 'Get a TURN credential',
        description: 'Takes no parameters; the user id of the credential is empty.',
        security: 'bearer',
        statusCode: 200,
        answer: Type.Object(
          {
            username: CredentialMembers.username,
            password: CredentialMembers.credential,
            uris: TurnUris,
            ttl: Type.Integer({ description: 'Lifetime of the credential, seconds.' }),
          },
          { description: 'TURN credential' },
        ),
        error: Type.Object({
          errcode: Type.String({ description: 'Error code of Matrix, such as M_LIMIT_EXCEEDED.' }),
          error: Type.String(),
        }),
      }),
      read: () => ({ userId: '', ttlSeconds: ICE_TTL_DEFAULT_SECONDS }),
      body: ([{ urls, credential }]) => ({
        username: credential.username,
        password: credential.password,
        uris: urls,
        ttl: credential.ttlSeconds,
      }),
    },
  ],
};

const ERROR_CODES: ReadonlyMap<IceErrorCode, string> = new Map([
  // M_UNKNOWN_TOKEN would log the user out, who cannot help a wrong key in the proxy.
  ['ICE_ERR_API_KEY', 'M_MISSING_TOKEN'],
  ['ICE_ERR_NO_LISTENER', 'M_NOT_FOUND'],
  ['ICE_ERR_RATE_LIMIT', 'M_LIMIT_EXCEEDED'],
]);
