import { UNKNOWN_AUTHORITY } from '../../client/tls-report.ts';
import { errorText, GatewayError } from '../../errors.ts';
import { CommandFailure } from '../command-failure.ts';
import { printable } from '../terminal/printable.ts';

/** What an error answer of the admin API says. */
interface ErrorBody {
  readonly code?: unknown;
  readonly message?: unknown;
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
]);
const BROKEN_OFF = new Set(['ECONNRESET', 'EPIPE']);
/** Codes of the errors that the admin API answers. */
const OWN_CODE = /^(?:API|GW)_ERR_/;
const MESSAGE_CHARACTERS_MAX = 500;

/** What is known of a gateway that gives no answer. */
export interface Acquaintance {
  /** A client certificate was given. */
  readonly hasClient: boolean;
  /** It has answered before. */
  readonly hasAnswered: boolean;
}

/** Explains why no answer came, and what to do. */
export function connectionFailure(error: unknown, url: URL, known: Acquaintance): CommandFailure {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const isGone = known.hasAnswered && (UNREACHABLE.has(code) || BROKEN_OFF.has(code));
  const detail = isGone
    ? `the gateway at ${url.origin} has gone away (${code})`
    : explain(code, errorText(error), url, known.hasClient);
  return new CommandFailure(detail, { cause: error });
}

/**
 * Explains an answer that is an error.
 *
 * @param hasToken - whether a token was sent.
 */
export function answerFailure(
  { statusCode, body, url }: { statusCode: number; body: unknown; url: URL },
  hasToken: boolean,
): Error {
  const { code, message } = (typeof body === 'object' ? (body ?? {}) : {}) as ErrorBody;
  if (typeof code !== 'string' || typeof message !== 'string') {
    const detail = `${url.origin} answers ${statusCode} and is not the admin API of a gateway; see --api`;
    return new CommandFailure(detail);
  }
  if (!OWN_CODE.test(code)) {
    const detail = `${url.origin} is another endpoint of a gateway, not the admin API (admin.api_endpoint); see --api`;
    return new CommandFailure(detail);
  }
  const text = printable(message).slice(0, MESSAGE_CHARACTERS_MAX);
  if (statusCode === 401) return new CommandFailure(unauthenticated(url, hasToken), { code });
  if (code === 'API_ERR_PATH') {
    const detail = `the gateway at ${url.origin} is too old for this command; turnpike status tells its version`;
    return new CommandFailure(detail, { code });
  }
  return statusCode === 400
    ? new GatewayError('GW_ERR_USAGE', text)
    : new CommandFailure(text, { code: /^\w+$/.test(code) ? code : undefined });
}

function unauthenticated(url: URL, hasToken: boolean): string {
  const where = '--token-file FILE, TURNPIKE_ADMIN_TOKEN or the configuration with -c FILE';
  return hasToken
    ? `the gateway at ${url.origin} does not accept this token; check ${where}`
    : `the gateway at ${url.origin} asks for a token (admin.api_token) or a client certificate; give ${where}`;
}

function explain(code: string, text: string, url: URL, hasClient: boolean): string {
  const { origin } = url;
  if (UNREACHABLE.has(code)) {
    return `no gateway answers at ${origin} (${code}): does it run, with this admin.api_endpoint? See --api, -c`;
  }
  if (UNKNOWN_AUTHORITY.has(code)) {
    return `the certificate of ${origin} is trusted by nobody here (${code}); name its authority with --ca FILE`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `the certificate of ${origin} is for other names; use one of them with --api https://NAME:PORT`;
  }
  if (code.startsWith('CERT_')) return `the certificate of ${origin} cannot be used: ${text}`;
  if (/wrong.version.number|packet length too long/i.test(code + text)) {
    return `${origin} does not speak TLS; write http:// instead of https://`;
  }
  if (url.protocol === 'https:' && /ALERT|ECONNRESET|EPIPE/.test(code)) {
    const instead = hasClient ? 'another client certificate' : 'a client certificate';
    return `${origin} refuses the TLS connection (${code}); it may want ${instead} (--cert, --key)`;
  }
  if (code.startsWith('HPE_') || code === 'ECONNRESET') {
    return `${origin} does not speak HTTP (${code}); if it speaks TLS, write https:// instead of http://`;
  }
  return `cannot ask the gateway at ${origin}: ${text}`;
}
