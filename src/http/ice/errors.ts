import type { FastifyReply, FastifyRequest } from 'fastify';
import { noteFailure } from '../shared/answer-log.ts';
import { HttpError, jsonErrorBody, refusalStatus } from '../shared/http-error.ts';

/** Every error of the ICE API: the `code` of a JSON error body and its HTTP status. */
const ICE_ERRORS = {
  ICE_ERR_SERVICE: 400,
  ICE_ERR_PARAMETER: 400,
  ICE_ERR_BODY: 400,
  ICE_ERR_REQUEST: 400,
  ICE_ERR_API_KEY: 401,
  ICE_ERR_NO_LISTENER: 404,
  ICE_ERR_PATH: 404,
  ICE_ERR_METHOD: 405,
  ICE_ERR_BODY_TOO_LARGE: 413,
  ICE_ERR_URL_TOO_LONG: 414,
  ICE_ERR_RATE_LIMIT: 429,
  ICE_ERR_NO_CONFIGURATION: 500,
  ICE_ERR_INTERNAL: 500,
} as const satisfies Record<string, number>;

/** One of the codes in `ICE_ERRORS`. */
export type IceErrorCode = keyof typeof ICE_ERRORS;

/** A refusal that is answered to the HTTP client. */
export class IceError extends HttpError {
  declare readonly code: IceErrorCode;

  /**
   * @param code - stable code; decides the status.
   * @param message - text for the client; no secrets.
   * @param headers - headers of the answer, besides the usual ones.
   */
  constructor(code: IceErrorCode, message: string, headers?: Readonly<Record<string, string>>) {
    super(code, ICE_ERRORS[code], message, headers);
    this.name = 'IceError';
  }
}

/** Turns whatever a request handler threw into what the client may know about it. */
export function toIceError(error: unknown): IceError {
  if (error instanceof IceError) return error;
  const statusCode = refusalStatus(error);
  if (statusCode === 413) return new IceError('ICE_ERR_BODY_TOO_LARGE', 'request body too large');
  return statusCode === undefined
    ? new IceError('ICE_ERR_INTERNAL', 'internal server error')
    : new IceError('ICE_ERR_REQUEST', 'bad request');
}

/** Does the same for the error of a request, and remembers for its log record what went wrong inside. */
export function settleError(error: unknown, request: FastifyRequest): IceError {
  const iceError = toIceError(error);
  if (iceError.code === 'ICE_ERR_INTERNAL') noteFailure(request, error);
  return iceError;
}

/**
 * Answers an error: as text like Go's `http.Error`, or as JSON `{statusCode,code,error,message}` when the client asks
 * for `application/json`.
 */
export function sendIceError(
  error: IceError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  void reply.code(error.statusCode).headers({ ...error.headers });
  if (acceptsJson(request.headers.accept)) {
    return reply
      .header('content-type', 'application/json; charset=utf-8')
      .send(jsonErrorBody(error));
  }
  return reply.header('content-type', 'text/plain; charset=utf-8').send(textBody(error));
}

function acceptsJson(accept: string | undefined): boolean {
  return (accept ?? '').split(',').some((range) => {
    const [type, ...parameters] = range.toLowerCase().split(';');
    return (
      type?.trim() === 'application/json' &&
      !parameters.some((text) => /^\s*q=0(\.0*)?\s*$/.test(text))
    );
  });
}

function textBody(error: IceError): string {
  // STUNner's router answers 405 without a body.
  return error.code === 'ICE_ERR_METHOD' ? '' : `${error.message}\n`;
}
