import { isIP, isIPv6 } from 'node:net';

import type { FastifyRequest } from 'fastify';

import { isHostName } from '../../config/addresses.ts';
import { ICE_TTL_DEFAULT_SECONDS, ICE_USER_ID_BYTES_MAX } from '../../limits.ts';
import { IceError } from './errors.ts';
import { goParseInteger } from './go-text.ts';

/** Parameters of a request by name, still as text: the query first, then the body; the first of several wins. */
export interface RawParameters {
  /** The value of a parameter; undefined when absent, empty when given without a value. */
  readonly get: (name: string) => string | undefined;
  /** Why the body could not be read; undefined when it could, or when there is none. */
  readonly bodyProblem: string | undefined;
}

/** What a client asks for; undefined where the parameter is absent. */
export interface IceParameters {
  readonly service: string | undefined;
  readonly userId: string;
  /** Any integer; not yet cut to what the gateway allows. */
  readonly ttlSeconds: number;
  readonly iceTransportPolicy: string;
  readonly namespace: string | undefined;
  readonly gateway: string | undefined;
  readonly listener: string | undefined;
  /** Host for all URIs; IPv6 without brackets. */
  readonly publicAddress: string | undefined;
}

/** The parameters in the query of a request target. */
export function queryParameters(url: string): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
}

/**
 * Collects the parameters of a request from its query and its form or JSON body; other bodies are not looked at.
 *
 * @param contentType - of the body; as the client says unless given.
 */
export function rawParameters(
  request: FastifyRequest,
  contentType = request.headers['content-type'],
): RawParameters {
  const query = queryParameters(request.url);
  const body = bodyParameters(contentType, request.body);
  return {
    get: (name) => query.get(name) ?? body?.get(name) ?? undefined,
    bodyProblem:
      body === undefined
        ? 'Invalid request body: not a JSON object of strings and numbers'
        : undefined,
  };
}

/**
 * Reads the parameters that both views share, in STUNner's order.
 *
 * @throws IceError ICE_ERR_BODY or ICE_ERR_PARAMETER for the first that is malformed.
 */
export function readIceParameters(raw: RawParameters): IceParameters {
  if (raw.bodyProblem !== undefined) throw new IceError('ICE_ERR_BODY', raw.bodyProblem);
  return {
    service: raw.get('service'),
    userId: readUserId(raw, 'username'),
    ttlSeconds: readTtlSeconds(raw, 'ttl'),
    iceTransportPolicy: readText(raw, 'iceTransportPolicy') ?? 'all',
    namespace: readText(raw, 'namespace'),
    gateway: readText(raw, 'gateway'),
    listener: readText(raw, 'listener'),
    publicAddress: readPublicAddress(raw),
  };
}

/**
 * Reads the user id of a credential.
 *
 * @returns empty text when the parameter is absent.
 * @throws IceError ICE_ERR_PARAMETER when it is longer than 256 bytes or has control characters.
 */
export function readUserId(raw: RawParameters, name: string): string {
  const userId = readText(raw, name) ?? '';
  if (Buffer.byteLength(userId) <= ICE_USER_ID_BYTES_MAX) return userId;
  throw malformed(name, `longer than ${ICE_USER_ID_BYTES_MAX} bytes`);
}

/**
 * Reads the lifetime of a credential.
 *
 * @returns any integer, 86400 when the parameter is absent.
 * @throws IceError ICE_ERR_PARAMETER when it is no integer.
 */
export function readTtlSeconds(raw: RawParameters, name: string): number {
  const text = raw.get(name);
  if (text === undefined) return ICE_TTL_DEFAULT_SECONDS;
  const value = goParseInteger(text);
  if (typeof value === 'string') throw malformed(name, `error binding string parameter: ${value}`);
  return Number(value);
}

type BodyParameters = Pick<Map<string, string>, 'get'> | URLSearchParams;

const NO_PARAMETERS: BodyParameters = new Map<string, string>();

function bodyParameters(
  contentType: string | undefined,
  body: unknown,
): BodyParameters | undefined {
  if (typeof body !== 'string' || body.trim() === '') return NO_PARAMETERS;
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase();
  if (mediaType === 'application/x-www-form-urlencoded') return new URLSearchParams(body);
  return mediaType === 'application/json' ? jsonParameters(body) : NO_PARAMETERS;
}

function jsonParameters(body: string): BodyParameters | undefined {
  const value = parseJson(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const parameters = new Map<string, string>();
  for (const [name, member] of Object.entries(value)) {
    if (typeof member === 'string' || typeof member === 'number')
      parameters.set(name, String(member));
    else if (member !== null) return undefined;
  }
  return parameters;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readPublicAddress(raw: RawParameters): string | undefined {
  const text = readText(raw, 'public-addr');
  if (text === undefined || text === '') return text;
  const host = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  const isHost = host === text ? isIP(host) !== 0 || isHostName(host) : isIPv6(host);
  if (!isHost) throw malformed('public-addr', 'not an IP address or a host name');
  return host;
}

function readText(raw: RawParameters, name: string): string | undefined {
  const text = raw.get(name);
  if (text === undefined || !/[\p{Cc}\p{Cs}]/u.test(text)) return text;
  throw malformed(name, 'control characters are not allowed');
}

function malformed(name: string, problem: string): IceError {
  return new IceError('ICE_ERR_PARAMETER', `Invalid format for parameter ${name}: ${problem}`);
}
