import type { FastifySchema } from 'fastify';
import type { TSchema } from 'typebox';
import { Type } from '../../../config/schema-types.ts';
import { errorDescriptions } from '../schemas.ts';

/** What the description of a view's operation is made from. */
export interface ViewOperationDescription {
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  /** Name of the OpenAPI security scheme. */
  readonly security: string;
  readonly params?: TSchema;
  /** The body, and the content types that it may have. */
  readonly body?: TSchema;
  readonly consumes?: readonly string[];
  readonly statusCode: 200 | 201;
  readonly answer: TSchema;
  /** The body of an error. */
  readonly error: TSchema;
}

/** A TURN URI (RFC 7065). */
export const TurnUri = Type.String({
  description: 'TURN URI (RFC 7065).',
  examples: ['turn:203.0.113.7:3478?transport=udp'],
});

/** Every TURN URI of a gateway. */
export const TurnUris = Type.Array(TurnUri, {
  minItems: 1,
  description: 'TURN URIs (RFC 7065) in the order of the configuration.',
});

/** Name and password of a credential, as `RTCIceServer` calls them. */
export const CredentialMembers = {
  username: Type.String({ description: 'TURN username; `expiry:user` when ephemeral.' }),
  credential: Type.String({ description: 'TURN password.' }),
};

/** How long a credential is to live. */
export const TtlParameter = Type.Optional(
  Type.Integer({
    description:
      'Lifetime of the credential in seconds, 86400 unless given; cut to 0 below and to `auth.max_ttl` above.',
  }),
);

/** How clients authenticate that have an account and a secret. */
export const BASIC_SCHEME = {
  basic: {
    type: 'http',
    scheme: 'basic',
    description: 'API key as password in the Authorization header; any user name',
  },
};

/** Documentation of one operation of a view. */
export function viewSchema(description: ViewOperationDescription): FastifySchema {
  const { tag, security, statusCode, answer, error, consumes, ...rest } = description;
  const { params, body, ...texts } = rest;
  return {
    ...texts,
    tags: [tag],
    security: [{ [security]: [] }, {}],
    ...(params && { params }),
    ...(body && { body, consumes: [...(consumes ?? ['application/json'])] }),
    response: { [statusCode]: answer, ...errorAnswers(error, body !== undefined) },
  };
}

function errorAnswers(error: TSchema, hasBody: boolean): Record<string, TSchema> {
  return Object.fromEntries(
    errorDescriptions({ hasParameters: hasBody, hasBody }).map(([statusCode, description]) => [
      statusCode,
      { ...error, description },
    ]),
  );
}
