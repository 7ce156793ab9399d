const BASE = '/api/v1/';
const TOKEN_KEY = 'turnpike.token';
/** The gateway itself waits for the WebRTC echo for so long at most, and a little more. */
const ANSWER_MS_MAX = 15_000;

/** What the gateway has refused, or that it did not answer at all or nothing that can be read. */
export class ApiError extends Error {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Stable code, such as `API_ERR_SESSION`. */
  readonly code: string;
  /** The body of the answer. */
  readonly answer: unknown;

  constructor(status: number, answer: unknown, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ApiError';
    this.status = status;
    this.answer = answer;
    this.code = textOf(answer, 'code') ?? '';
  }
}

/**
 * The admin API as this tab uses it.
 *
 * The token is kept in the session storage of the tab: it goes along only where a script of this page sends it, so no
 * other site can make the browser use it, and it is gone when the tab is closed.
 */
export class Api {
  /** Called when the gateway does not know the token (any more). */
  onUnauthenticated: () => void = () => undefined;

  /** Empty where none is needed. */
  get token(): string {
    return sessionStorage.getItem(TOKEN_KEY) ?? '';
  }

  set token(token: string) {
    if (token === '') sessionStorage.removeItem(TOKEN_KEY);
    else sessionStorage.setItem(TOKEN_KEY, token);
  }

  /** Reads something; throws ApiError. */
  async get<Answer>(path: string): Promise<Answer> {
    return this.#ask(path, { method: 'GET' });
  }

  /** Has something done; throws ApiError. */
  async post<Answer>(path: string, body: object = {}): Promise<Answer> {
    const headers = { 'content-type': 'application/json' };
    return this.#ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  /** Ends something; throws ApiError. */
  async delete<Answer>(path: string): Promise<Answer> {
    return this.#ask(path, { method: 'DELETE' });
  }

  /** Sends a request with the token, whatever comes of it; throws ApiError when nothing does. */
  async fetch(path: string, options: RequestInit): Promise<Response> {
    const headers = new Headers(options.headers);
    if (this.token !== '') headers.set('authorization', `Bearer ${this.token}`);
    try {
      return await fetch(BASE + path, { ...options, headers, cache: 'no-store' });
    } catch (error) {
      throw new ApiError(0, undefined, 'the gateway does not answer', { cause: error });
    }
  }

  async #ask<Answer>(path: string, options: RequestInit): Promise<Answer> {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const response = await this.fetch(path, { ...options, signal });
    const answer = (await response.json().catch(() => undefined)) as unknown;
    if (response.ok && answer !== undefined) return answer as Answer;
    if (response.status === 401) this.onUnauthenticated();
    const message = textOf(answer, 'message') ?? `what answers (${response.status}) is no gateway`;
    throw new ApiError(response.status, answer, message);
  }
}

/** What went wrong, for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function textOf(answer: unknown, key: string): string | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const value = (answer as Readonly<Record<string, unknown>>)[key];
  return typeof value === 'string' ? value : undefined;
}
