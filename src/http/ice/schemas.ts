import type { FastifySchema } from 'fastify';
import type { TObject } from 'typebox';

import { Type } from '../../config/schema-types.ts';
import { ICE_TTL_DEFAULT_SECONDS, ICE_USER_ID_BYTES_MAX } from '../../limits.ts';

const sharedParameters = {
  service: Type.Literal('turn', { description: 'The service that a credential is wanted for.' }),
  username: Type.Optional(
    Type.String({
      maxLength: ICE_USER_ID_BYTES_MAX,
      description:
        'User id inside an ephemeral username, at most 256 bytes of UTF-8 without control ' +
        'characters. Ignored for static users.',
    }),
  ),
  ttl: Type.Optional(
    Type.Integer({
      default: ICE_TTL_DEFAULT_SECONDS,
      description:
        'Lifetime of the credential in seconds; cut to 0 below and to `auth.max_ttl` above.',
    }),
  ),
  key: Type.Optional(
    Type.String({ description: 'API key, where the Authorization header cannot be sent.' }),
  ),
  api: Type.Optional(Type.String({ description: 'API key; the name that Janus uses.' })),
  namespace: Type.Optional(
    Type.String({
      description: 'Only listeners named `namespace/…/…`. Listeners with other names are left out.',
    }),
  ),
  gateway: Type.Optional(
    Type.String({
      description: 'Only listeners named `…/gateway/…`; has no effect without `namespace`.',
    }),
  ),
  listener: Type.Optional(
    Type.String({
      description:
        'Only listeners named `…/…/listener`; has no effect without `namespace` and `gateway`.',
    }),
  ),
  'public-addr': Type.Optional(
    Type.String({
      description: 'IP address or host name to write in every URI instead of the configured one.',
    }),
  ),
};

const iceTransportPolicy = Type.String({
  default: 'all',
  description: 'ICE transport policy, returned as it is; browsers know `all` and `relay`.',
});

const turnUris = Type.Array(Type.String(), {
  minItems: 1,
  description: 'TURN URIs (RFC 7065) in the order of the configuration.',
  examples: [['turn:203.0.113.7:3478?transport=udp', 'turns:203.0.113.7:443?transport=tcp']],
});

const turnUsername = Type.String({
  description: 'TURN username; `expiry:user` when ephemeral.',
  examples: ['1800000000:alice'],
});

const turnPassword = Type.String({ description: 'TURN password.' });

const IceConfiguration = Type.Object(
  {
    iceServers: Type.Array(
      Type.Object({ credential: turnPassword, urls: turnUris, username: turnUsername }),
      {
        minItems: 1,
        description: 'One entry per gateway; goes into `RTCConfiguration.iceServers` unchanged.',
      },
    ),
    iceTransportPolicy,
    expiresAt: Type.Optional(
      Type.Integer({
        description: 'Unix seconds when the first credential expires; absent when none does.',
      }),
    ),
    ttl: Type.Integer({ description: 'Lifetime of the credential that ends first, seconds.' }),
  },
  { description: 'ICE configuration with fresh credentials' },
);

const TurnCredential = Type.Object(
  {
    password: turnPassword,
    ttl: Type.Integer({ description: 'Lifetime of the credential, seconds.' }),
    uris: turnUris,
    username: turnUsername,
  },
  { description: 'TURN credential of the first gateway that matches' },
);

/** An error as JSON. */
export const JsonError = Type.Object({
  statusCode: Type.Integer(),
  code: Type.String({ description: 'Stable code, such as ICE_ERR_SERVICE.' }),
  error: Type.String({ description: 'HTTP reason phrase.' }),
  message: Type.String(),
});

const ERROR_DESCRIPTIONS = {
  400: 'A parameter or the body is malformed, or names a service other than `turn`',
  401: 'No valid API key; the same answer whether it is missing or wrong',
  404: 'No listener fits the filters, or there are no credentials to hand out',
  413: 'The body is longer than 4 KiB',
  414: 'Path and query are longer than 4 KiB',
  429: 'Too many requests; try again after the seconds in Retry-After',
  500: 'No configuration is loaded yet, or something failed inside',
};

/** The errors of an operation: status, and what it means. */
export function errorDescriptions({
  hasParameters,
  hasBody,
}: {
  readonly hasParameters: boolean;
  readonly hasBody: boolean;
}): [statusCode: string, description: string][] {
  const impossible = [...(hasParameters ? [] : ['400']), ...(hasBody ? [] : ['413'])];
  return Object.entries(ERROR_DESCRIPTIONS).filter(
    ([statusCode]) => !impossible.includes(statusCode),
  );
}

/** Documentation of `GET /ice`. */
export const getIceSchema = operation(
  'getIceAuth',
  'ICE',
  'Get an ICE configuration',
  'querystring',
  {
    parameters: Type.Object({
      ...sharedParameters,
      iceTransportPolicy: Type.Optional(iceTransportPolicy),
    }),
    answer: IceConfiguration,
  },
);

/** Documentation of `POST /ice`. */
export const postIceSchema = operation('postIceAuth', 'ICE', 'Get an ICE configuration', 'body', {
  parameters: Type.Object({
    ...sharedParameters,
    iceTransportPolicy: Type.Optional(iceTransportPolicy),
  }),
  answer: IceConfiguration,
});

/** Documentation of `GET /`. */
export const getTurnSchema = operation(
  'getTurnAuth',
  'TURN',
  'Get a TURN credential',
  'querystring',
  {
    parameters: Type.Object(sharedParameters),
    answer: TurnCredential,
  },
);

/** Documentation of `POST /`. */
export const postTurnSchema = operation('postTurnAuth', 'TURN', 'Get a TURN credential', 'body', {
  parameters: Type.Object(sharedParameters),
  answer: TurnCredential,
});

function operation(
  operationId: string,
  tag: 'ICE' | 'TURN',
  summary: string,
  place: 'querystring' | 'body',
  { parameters, answer }: { parameters: TObject; answer: TObject },
): FastifySchema {
  return {
    operationId,
    tags: [tag],
    summary,
    description:
      place === 'body'
        ? 'Like GET. Parameters may also stand in the query, which wins; the first of several wins.'
        : 'The first of several parameters with one name wins.',
    security: [{ bearer: [] }, { key: [] }, { api: [] }, {}],
    ...(place === 'body' && {
      consumes: ['application/x-www-form-urlencoded', 'application/json'],
    }),
    [place]: place === 'body' ? Type.Partial(parameters) : parameters,
    response: { 200: answer, ...errorAnswers(place === 'body') },
  };
}

function errorAnswers(hasBody: boolean): Record<string, object> {
  const content = {
    'text/plain': { schema: Type.String() },
    'application/json': { schema: JsonError },
  };
  return Object.fromEntries(
    errorDescriptions({ hasParameters: true, hasBody }).map(([statusCode, description]) => [
      statusCode,
      { description, content },
    ]),
  );
}
