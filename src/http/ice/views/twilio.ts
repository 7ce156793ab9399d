import { Type } from '../../../config/schema-types.ts';
import { basicPassword } from '../../shared/secret-digests.ts';
import type { IceError } from '../errors.ts';
import { readTtlSeconds } from '../parameters.ts';
import { entriesByUri } from './ice-servers.ts';
import type { IssuedServers, View } from './view.ts';
import {
  BASIC_SCHEME,
  CredentialMembers,
  TtlParameter,
  TurnUri,
  viewSchema,
} from './view-schema.ts';

const TAG = 'Twilio';

/** The tokens of Twilio's Network Traversal Service. */
export const TWILIO_VIEW: View = {
  findKeys: (request) => [basicPassword(request.headers.authorization)],
  scheme: 'Basic',
  errorBody,
  tag: { name: TAG, description: "Tokens as Twilio's Network Traversal Service answers them" },
  securitySchemes: BASIC_SCHEME,
  operations: [
    {
      method: 'POST',
      path: '/2010-04-01/Accounts/:accountSid/Tokens.json',
      statusCode: 201,
      schema: viewSchema({
        operationId: 'createTwilioToken',
        tag: TAG,
        summary: 'Create a token for ICE servers',
        description: 'The body is a form and may be left out.',
        security: 'basic',
        params: Type.Object({
          accountSid: Type.String({ description: 'Id of an account; any text, it is repeated.' }),
        }),
        body: Type.Object({ Ttl: TtlParameter }),
        consumes: ['application/x-www-form-urlencoded'],
        statusCode: 201,
        answer: Type.Object(
          {
            account_sid: Type.String(),
            date_created: Type.String({ description: 'RFC 2822 time.' }),
            date_updated: Type.String({ description: 'RFC 2822 time.' }),
            ice_servers: Type.Array(
              Type.Object({ url: TurnUri, urls: TurnUri, ...CredentialMembers }),
              { minItems: 1 },
            ),
            password: CredentialMembers.credential,
            ttl: Type.String({ description: 'Lifetime of the credential in seconds, as text.' }),
            username: CredentialMembers.username,
          },
          { description: 'Token with a fresh credential' },
        ),
        error: Type.Object({
          code: Type.Integer({ description: 'Error code of Twilio.' }),
          message: Type.String(),
          more_info: Type.String(),
          status: Type.Integer(),
        }),
      }),
      read: (parameters) => ({ userId: '', ttlSeconds: readTtlSeconds(parameters, 'Ttl') }),
      body: (servers, { path }) => token(servers, path['accountSid'] ?? ''),
    },
  ],
};

function token(servers: IssuedServers, accountSid: string): object {
  const [{ credential: first }] = servers;
  const now = new Date().toUTCString().replace('GMT', '+0000');
  return {
    account_sid: accountSid,
    date_created: now,
    date_updated: now,
    ice_servers: entriesByUri(servers, (uri) => ({ url: uri, urls: uri })),
    password: first.password,
    ttl: String(first.ttlSeconds),
    username: first.username,
  };
}

function errorBody({ statusCode, message }: IceError): object {
  const code = ERROR_CODES.get(statusCode) ?? 20_000 + statusCode;
  return {
    code,
    message,
    more_info: `https://www.twilio.com/docs/errors/${code}`,
    status: statusCode,
  };
}

/** Twilio's codes end in the status, but for these. */
const ERROR_CODES: ReadonlyMap<number, number> = new Map([
  [400, 20_422],
  [401, 20_003],
]);
