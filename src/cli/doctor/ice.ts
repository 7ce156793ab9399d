import { get as getHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { get as getHttps } from 'node:https';
import type { ClientCredential } from '../../client/challenge.ts';
import { errorText } from '../../errors.ts';
import { readAnswer } from '../read-answer.ts';
import type { Advice } from './advice.ts';

/** One URI of an ICE configuration with the credential for it. */
export interface IceEntry {
  readonly uri: string;
  readonly credential: ClientCredential | undefined;
}

/** How an ICE API is asked. */
export interface IceRequest {
  /** PEM of the authorities to trust; undefined: those of Node.js. */
  readonly ca: string | undefined;
  readonly isInsecure: boolean;
  readonly timeoutMs: number;
}

/** Largest answer of an ICE API that is read, bytes. */
const ANSWER_BYTES_MAX = 256 * 1024;
/** URIs of one ICE configuration that are tested. */
const ENTRIES_MAX = 64;

/** A URL as it may be shown: without user and query, where a key may be. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** Asks an ICE API for its configuration; what went wrong comes back as advice. */
export async function fetchIceEntries(
  url: URL,
  request: IceRequest,
): Promise<{ readonly entries: readonly IceEntry[] } | Advice> {
  let answer: { status: number; body: string };
  try {
    answer = await fetchText(url, request);
  } catch (error) {
    return adviseOnFetch(error);
  }
  const { status, body } = answer;
  if (status !== HTTP_OK) {
    const next = NEXT_BY_STATUS.get(status) ?? 'look into the log of the gateway, scope ice';
    return { detail: `the ICE API answers ${status}`, next };
  }
  const entries = entriesOf(body) ?? [];
  if (entries.length > 0) return { entries: entries.slice(0, ENTRIES_MAX) };
  return {
    detail: 'the answer is no ICE configuration, or names no server',
    next: 'the URL ends in /ice?service=turn; filters (namespace, gateway, listener) must fit a listener',
  };
}

function fetchText(
  url: URL,
  { ca, isInsecure, timeoutMs }: IceRequest,
): Promise<{ status: number; body: string }> {
  const signal = AbortSignal.timeout(timeoutMs);
  const options: RequestOptions = { signal, headers: { accept: 'application/json' } };
  return new Promise((resolve, reject) => {
    const take = (response: IncomingMessage): void => {
      readAnswer(response, ANSWER_BYTES_MAX).then(
        (body) => resolve({ status: response.statusCode ?? 0, body }),
        (error: Error) => reject(error),
      );
    };
    const sent =
      url.protocol === 'https:'
        ? getHttps(
            url,
            { ...options, rejectUnauthorized: !isInsecure, ...(ca === undefined ? {} : { ca }) },
            take,
          )
        : getHttp(url, options, take);
    sent.on('error', reject);
  });
}

function adviseOnFetch(error: unknown): Advice {
  const { code = '', name } = error as NodeJS.ErrnoException;
  const detail = `the ICE API cannot be asked: ${name === 'AbortError' ? 'no answer' : errorText(error)}`;
  if (/CERT|SIGNATURE|SELF_SIGNED|ALTNAME/.test(code)) {
    return {
      detail,
      next: 'give its authority with --ca FILE, or take every certificate with --insecure',
    };
  }
  return { detail, next: 'check that the gateway runs and where ice.endpoint listens' };
}

/** The servers of `/ice`, or those of `/` as draft-uberti-behave-turn-rest-00 has them. */
function entriesOf(body: string): IceEntry[] | undefined {
  let data: unknown;
  try {
    data = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isRecord(data)) return undefined;
  if (Array.isArray(data['iceServers'])) {
    return data['iceServers'].flatMap((server: unknown) =>
      isRecord(server)
        ? entriesFor(server['urls'] ?? server['url'], server['username'], server['credential'])
        : [],
    );
  }
  return entriesFor(data['uris'], data['username'], data['password']);
}

function entriesFor(urls: unknown, username: unknown, password: unknown): IceEntry[] {
  const credential =
    typeof username === 'string' && typeof password === 'string'
      ? { username, password }
      : undefined;
  return [urls]
    .flat()
    .filter((uri) => typeof uri === 'string')
    .map((uri) => ({ uri, credential }));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const HTTP_OK = 200;
const NEXT_BY_STATUS: ReadonlyMap<number, string> = new Map([
  [400, 'the query must have service=turn'],
  [401, 'give one of ice.api_keys: …/ice?service=turn&key=KEY'],
  [403, 'give one of ice.api_keys: …/ice?service=turn&key=KEY'],
  [
    404,
    'the path is /ice; nothing is found when no listener fits the filters or auth.type is none',
  ],
  [429, 'the rate limit is reached: wait a second'],
]);
