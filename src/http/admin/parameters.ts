import { parseIp } from '../../config/addresses.ts';
import { apiError } from './errors.ts';
import type { RouteQuestion } from './gateway-control.ts';

/** The query of `GET /routes`, as it was sent. */
export interface RouteQuery {
  readonly listener?: string;
  readonly peer?: string;
  readonly user_routes?: string;
}

/**
 * Reads which peer is to be judged.
 *
 * @returns undefined when nothing is asked.
 * @throws HttpError API_ERR_PARAMETER.
 */
export function readRouteQuestion(query: RouteQuery): RouteQuestion | undefined {
  const { listener, peer, user_routes: userRoutes } = query;
  if (listener === undefined && peer === undefined && userRoutes === undefined) return undefined;
  if (listener === undefined || peer === undefined) {
    throw apiError('API_ERR_PARAMETER', 'listener and peer go together');
  }
  return {
    listener,
    ...readPeer(peer),
    userRoutes: userRoutes === undefined ? undefined : readList(userRoutes),
  };
}

/**
 * Reads until when a user is revoked: RFC 3339 text, or unix seconds.
 *
 * @returns unix seconds.
 * @throws HttpError API_ERR_PARAMETER when it is neither, or past.
 */
export function readUntil(until: string | number, nowUnixSeconds: number): number {
  const seconds = typeof until === 'number' ? until : Math.ceil(readRfc3339(until) / 1000);
  if (!Number.isSafeInteger(seconds) || seconds > YEAR_10000_UNIX_SECONDS) {
    throw apiError(
      'API_ERR_PARAMETER',
      'until is a time such as 2030-01-31T12:00:00Z, or unix seconds',
    );
  }
  if (seconds <= nowUnixSeconds) throw apiError('API_ERR_PARAMETER', 'until is in the past');
  return seconds;
}

/** The parts of a comma-separated list, without empty ones. */
export function readList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

const YEAR_10000_UNIX_SECONDS = Date.UTC(9999, 11, 31) / 1000;

const RFC3339_DATE = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`;
const HOUR_AND_MINUTE = String.raw`(?:[01]\d|2[0-3]):[0-5]\d`;
const RFC3339 = new RegExp(
  String.raw`^${RFC3339_DATE}T${HOUR_AND_MINUTE}:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]${HOUR_AND_MINUTE})$`,
  'i',
);

function readRfc3339(text: string): number {
  return RFC3339.test(text) ? Date.parse(text.toUpperCase()) : Number.NaN;
}

function readPeer(text: string): Pick<RouteQuestion, 'peer' | 'port'> {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const peer = parseIp(bracketed ?? plain ?? '');
  const port = Number(digits);
  const isWritten = bracketed === undefined ? plain !== undefined : peer?.includes(':') === true;
  if (peer === undefined || !isWritten || port < 1 || port > 65_535) {
    throw apiError(
      'API_ERR_PARAMETER',
      'peer is an IP address and a port, such as 10.0.0.5:5004 or [fd00::5]:5004',
    );
  }
  return { peer, port };
}
