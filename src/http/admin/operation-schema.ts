import type { FastifySchema } from 'fastify';
import type { TSchema } from 'typebox';
import { Type } from '../../config/schema-types.ts';

/** What the description of an operation is made from. */
export interface OperationDescription {
  readonly operationId: string;
  readonly tag: 'Status' | 'Sessions' | 'Operation' | 'Test';
  readonly summary: string;
  readonly description: string;
  readonly querystring?: TSchema;
  readonly params?: TSchema;
  readonly body?: TSchema;
  readonly answer: TSchema;
  /** Answers besides 200 and those that all operations have. */
  readonly otherAnswers?: Readonly<Record<number, TSchema>>;
}

/** An object that takes no other keys than these. */
export const CLOSED = { additionalProperties: false } as const;

/** An error as the API answers it, with what it means here. */
export function errorAnswer(description: string): TSchema {
  return Type.Object(
    {
      statusCode: Type.Integer(),
      code: Type.String({ description: 'Stable code, such as API_ERR_PARAMETER.' }),
      error: Type.String({ description: 'HTTP reason phrase.' }),
      message: Type.String(),
    },
    { description },
  );
}

/** Documentation and validation of one operation. */
export function operation(description: OperationDescription): FastifySchema {
  return schemaOf(description, { ...READ_ERRORS, ...BODY_ERRORS });
}

/** The same for one whose body is not looked at, by GET. */
export function readOperation(description: OperationDescription): FastifySchema {
  return schemaOf(description, READ_ERRORS);
}

function schemaOf(
  description: OperationDescription,
  errors: Readonly<Record<number, TSchema>>,
): FastifySchema {
  const { tag, answer, otherAnswers, querystring, params, body, ...texts } = description;
  return {
    ...texts,
    tags: [tag],
    security: [{ bearer: [] }, {}],
    querystring: querystring ?? NO_PARAMETERS,
    ...(params && { params }),
    ...(body && { body }),
    response: { 200: answer, ...errors, ...otherAnswers },
  };
}

const NO_PARAMETERS = Type.Object({}, CLOSED);

const READ_ERRORS = {
  400: errorAnswer('A parameter or the body is malformed or unknown'),
  401: errorAnswer('No valid bearer token; the same answer whether it is missing or wrong'),
  403: errorAnswer('Without a token: not from this machine, or made by a page of another origin'),
  414: errorAnswer('Path and query are longer than 4 KiB'),
  429: errorAnswer(
    'Too many requests, or failed logins; try again after the seconds in Retry-After',
  ),
  500: errorAnswer('Something failed inside; the log says what'),
};

const BODY_ERRORS = {
  413: errorAnswer('The body is longer than 16 KiB, or 4 MiB for a reload'),
  415: errorAnswer('A body that is not application/json'),
};
