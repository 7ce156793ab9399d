import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { GatewayError } from '../../errors.ts';
import type { GatewayEvent } from '../../http/admin/gateway-control.ts';
import { ADMIN_ANSWER_BYTES_MAX } from '../../limits.ts';
import { CommandFailure } from '../command-failure.ts';
import { readAnswer } from '../read-answer.ts';
import { answerFailure, connectionFailure } from './errors.ts';
import type { AdminTarget } from './target.ts';

/** Longest wait for an answer. */
const ANSWER_MILLISECONDS_MAX = 30_000;
/** A stream sends a comment every 15 s; without anything for so long it is dead. */
const STREAM_SILENCE_MILLISECONDS_MAX = 60_000;
/** Longest event. */
const EVENT_CHARACTERS_MAX = 1024 * 1024;
const API_PATH = 'api/v1';

/** Parameters of a query; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Query;
  readonly body?: object | undefined;
  /** Statuses beside 2xx whose body is an answer and no error. */
  readonly accepted?: readonly number[];
}

/**
 * Asks the admin API of a running gateway. Every call throws CommandFailure when it is refused or cannot be reached,
 * and GatewayError GW_ERR_USAGE when the gateway does not understand a parameter.
 */
export class AdminClient {
  readonly #target: AdminTarget;
  #hasAnswered = false;

  /** @param target - where it is and how one is admitted. */
  constructor(target: AdminTarget) {
    this.#target = target;
  }

  /** Which gateway it asks, for people. */
  get where(): string {
    return this.#target.url.origin;
  }

  /** Reads something. */
  get<Answer>(path: string, query: Query = {}): Promise<Answer> {
    return this.#call<Answer>({ method: 'GET', path, query });
  }

  /** Changes something; `accepted` statuses are answers, too. */
  post<Answer>(path: string, body?: object, accepted: readonly number[] = []): Promise<Answer> {
    return this.#call<Answer>({ method: 'POST', path, body, accepted });
  }

  /** Ends something. */
  delete<Answer>(path: string, query: Query = {}): Promise<Answer> {
    return this.#call<Answer>({ method: 'DELETE', path, query });
  }

  /**
   * Follows what happens from now on, until `signal` aborts.
   *
   * @param types - types of events, or what they begin with; empty: all.
   */
  async *events(types: string, signal: AbortSignal): AsyncGenerator<GatewayEvent, void> {
    const url = this.#url('events', { types: types === '' ? undefined : types });
    const options = { signal, timeout: STREAM_SILENCE_MILLISECONDS_MAX };
    try {
      const response = await this.#send(url, { method: 'GET', path: 'events' }, options);
      if (response.statusCode !== 200) throw await this.#failureOf(response, url);
      yield* readEvents(response);
    } catch (error) {
      if (signal.aborted) return;
      throw this.#explain(error, url);
    }
    if (!signal.aborted) throw new CommandFailure('the gateway has ended the stream of events');
  }

  async #call<Answer>(call: Call): Promise<Answer> {
    const url = this.#url(call.path, call.query ?? {});
    try {
      return await this.#answer<Answer>(url, call);
    } catch (error) {
      throw this.#explain(error, url);
    }
  }

  async #answer<Answer>(url: URL, call: Call): Promise<Answer> {
    const signal = AbortSignal.timeout(ANSWER_MILLISECONDS_MAX);
    const response = await this.#send(url, call, { signal });
    const { statusCode = 0 } = response;
    const isAnswer = Math.floor(statusCode / 100) === 2 || call.accepted?.includes(statusCode);
    if (isAnswer !== true) throw await this.#failureOf(response, url);
    const answer = parseJson(await readAnswer(response, ADMIN_ANSWER_BYTES_MAX));
    if (typeof answer === 'object' && answer !== null) return answer as Answer;
    throw new CommandFailure(`${url.origin} is not the admin API of a gateway; see --api`);
  }

  #url(path: string, query: Query): URL {
    const url = new URL(`${API_PATH}/${path}`, this.#target.url);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url;
  }

  #send(url: URL, { method, body }: Call, more: RequestOptions): Promise<IncomingMessage> {
    const { token, ca, client } = this.#target;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      accept: 'application/json, text/event-stream',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    const options = { method, headers, ...more };
    return new Promise((resolve, reject) => {
      const request =
        url.protocol === 'https:'
          ? httpsRequest(url, { ...options, ...(ca === undefined ? {} : { ca }), ...client })
          : httpRequest(url, options);
      request.once('response', (response) => {
        this.#hasAnswered = true;
        resolve(response);
      });
      request.on('error', reject);
      request.once('timeout', () => request.destroy(new Error('nothing comes any more')));
      request.end(text);
    });
  }

  #explain(error: unknown, url: URL): unknown {
    if (error instanceof CommandFailure || error instanceof GatewayError) return error;
    if (error instanceof Error && error.name === 'AbortError') {
      return new CommandFailure(`the gateway at ${url.origin} does not answer in time`);
    }
    const hasClient = this.#target.client !== undefined;
    return connectionFailure(error, url, { hasClient, hasAnswered: this.#hasAnswered });
  }

  async #failureOf(response: IncomingMessage, url: URL): Promise<Error> {
    const { statusCode = 0 } = response;
    const body = parseJson(await readAnswer(response, ADMIN_ANSWER_BYTES_MAX));
    return answerFailure({ statusCode, body, url }, this.#target.token !== undefined);
  }
}

/** Reads server-sent events; ones without an event of the gateway as data are left out. */
async function* readEvents(stream: IncomingMessage): AsyncGenerator<GatewayEvent, void> {
  let rest = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream as AsyncIterable<string>) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    if (rest.length > EVENT_CHARACTERS_MAX) throw new CommandFailure('an event is too long');
    for (const block of blocks) {
      const event = parseJson(dataOf(block));
      if (isGatewayEvent(event)) yield event;
    }
  }
}

function dataOf(block: string): string {
  const lines = block.split('\n').filter((line) => line.startsWith('data:'));
  return lines.map((line) => line.slice('data:'.length)).join('\n');
}

function isGatewayEvent(value: unknown): value is GatewayEvent {
  return typeof value === 'object' && value !== null && 'type' in value && 'at' in value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
