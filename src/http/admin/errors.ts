import type { FastifyReply } from 'fastify';
import { GatewayError, type ErrorCode } from '../../errors.ts';
import { HttpError, jsonErrorBody, refusalStatus } from '../shared/http-error.ts';

/** Every error that the admin API itself answers: its code and HTTP status. */
const API_ERRORS = {
  API_ERR_PARAMETER: 400,
  API_ERR_REQUEST: 400,
  API_ERR_UNAUTHENTICATED: 401,
  API_ERR_FORBIDDEN: 403,
  API_ERR_PATH: 404,
  API_ERR_SESSION: 404,
  API_ERR_REVOCATION: 404,
  API_ERR_METHOD: 405,
  API_ERR_STATE: 409,
  API_ERR_BODY_TOO_LARGE: 413,
  API_ERR_URL_TOO_LONG: 414,
  API_ERR_MEDIA_TYPE: 415,
  API_ERR_RATE_LIMIT: 429,
  API_ERR_INTERNAL: 500,
  API_ERR_TOO_MANY_STREAMS: 503,
} as const satisfies Record<string, number>;

/** One of the codes in `API_ERRORS`. */
export type ApiErrorCode = keyof typeof API_ERRORS;

/** Makes a refusal; the code decides the status. */
export function apiError(
  code: ApiErrorCode,
  message: string,
  headers?: Readonly<Record<string, string>>,
): HttpError {
  return new HttpError(code, API_ERRORS[code], message, headers);
}

/** Turns whatever a request handler threw into what the client may know about it. */
export function toApiError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof GatewayError) {
    return new HttpError(error.code, GATEWAY_STATUS.get(error.code) ?? 500, error.message);
  }
  const statusCode = refusalStatus(error);
  if (statusCode === undefined) return apiError('API_ERR_INTERNAL', 'internal server error');
  if (statusCode === 413) return apiError('API_ERR_BODY_TOO_LARGE', 'request body too large');
  if (statusCode === 415) {
    return apiError('API_ERR_MEDIA_TYPE', 'a request body has the content type application/json');
  }
  return apiError('API_ERR_REQUEST', 'bad request');
}

/** Answers an error as JSON. */
export function sendApiError(error: HttpError, reply: FastifyReply): FastifyReply {
  return reply
    .code(error.statusCode)
    .headers({ ...error.headers, 'content-type': 'application/json; charset=utf-8' })
    .send(jsonErrorBody(error));
}

/** What the gateway refuses for a reason that lies in the request, or that passes. */
const GATEWAY_STATUS: ReadonlyMap<ErrorCode, number> = new Map([
  ['GW_ERR_USAGE', 400],
  ['GW_ERR_TOO_MANY_REVOCATIONS', 503],
  ['GW_ERR_ECHO', 502],
  ['GW_ERR_ECHO_BUSY', 503],
]);
