import { STATUS_CODES } from 'node:http';

/** A refusal that is answered to an HTTP client. */
export class HttpError extends Error {
  readonly code: string;
  /** HTTP status of the answer. */
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param code - stable code for programs.
   * @param message - text for the client; no secrets.
   * @param headers - headers of the answer, besides the usual ones.
   */
  constructor(
    code: string,
    statusCode: number,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = 'HttpError';
    this.code = code;
    this.statusCode = statusCode;
    this.headers = headers;
  }
}

/** An error as `{statusCode,code,error,message}`. */
export function jsonError({ statusCode, code, message }: HttpError): object {
  return { statusCode, code, error: STATUS_CODES[statusCode], message };
}

/** The same as a JSON body. */
export function jsonErrorBody(error: HttpError): string {
  return JSON.stringify(jsonError(error));
}

/** The status that an error of the HTTP framework asks for; undefined when it is none of the client's doing. */
export function refusalStatus(error: unknown): number | undefined {
  const statusCode = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  const isRefusal = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
  return isRefusal ? statusCode : undefined;
}
