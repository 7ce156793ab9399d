import type { ErrorCode } from '../stun/attributes.ts';
import { ERROR_REASON } from '../stun/registry.ts';
import type { TransportAddress } from '../stun/transport-address.ts';

/** In which way a server could not be talked to. */
export type ClientFailureKind =
  /** Nothing came back before the deadline. */
  | 'timeout'
  /** The host says that nothing listens there: a TCP reset, or ICMP port unreachable for UDP. */
  | 'refused'
  /** There is no way to the host: no route, or a router or this machine says so. */
  | 'unreachable'
  /** The TLS handshake failed. */
  | 'tls'
  /** The connection ended. */
  | 'closed'
  /** What came back is not what the protocol allows. */
  | 'protocol';

/** A failure of the way to a server; what the server itself answers is a `ResponseError`. */
export class ClientError extends Error {
  readonly kind: ClientFailureKind;

  /** @param detail - what happened, for a person; no secrets. */
  constructor(kind: ClientFailureKind, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'ClientError';
    this.kind = kind;
  }
}

/** Another server that a 300 response names (RFC 8489 §10). */
export interface Alternate {
  readonly address: TransportAddress;
  /** Name to check the certificate of that server against. */
  readonly domain: string | undefined;
}

/** An error response that ends a transaction (RFC 8489 §14.8). */
export class ResponseError extends Error {
  /** Name of the request's method, such as `Allocate`. */
  readonly methodName: string;
  /** 300 to 699. */
  readonly code: number;
  /** The phrase of the code when the server gave none. */
  readonly reason: string;
  /** Set when the request carried a credential. */
  readonly isAuthenticated: boolean;
  /** Set for 300 only. */
  readonly alternate: Alternate | undefined;

  constructor(
    methodName: string,
    { code, reason }: ErrorCode,
    extra: { isAuthenticated: boolean; alternate?: Alternate | undefined },
  ) {
    const phrase = reason === '' ? (ERROR_REASON[code] ?? '') : printable(reason);
    super(`${methodName}: ${code} ${phrase}`.trimEnd());
    this.name = 'ResponseError';
    this.methodName = methodName;
    this.code = code;
    this.reason = phrase;
    this.isAuthenticated = extra.isAuthenticated;
    this.alternate = extra.alternate;
  }
}

/** The failure that a system error of a socket stands for. */
export function socketFailure(error: Error, what: string): ClientError {
  const { code = '' } = error as NodeJS.ErrnoException;
  return new ClientError(FAILURE_BY_CODE.get(code) ?? 'closed', `${what}: ${reasonOf(error)}`, {
    cause: error,
  });
}

function reasonOf(error: Error): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  return REASON_BY_CODE.get(code) ?? error.message;
}

/** Text of a server as a terminal may show it. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?').slice(0, REASON_CHARACTERS_MAX);
}

const REASON_CHARACTERS_MAX = 128;

const FAILURE_BY_CODE: ReadonlyMap<string, ClientFailureKind> = new Map([
  ['ECONNREFUSED', 'refused'],
  ['ETIMEDOUT', 'timeout'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETUNREACH', 'unreachable'],
  ['EADDRNOTAVAIL', 'unreachable'],
  ['EACCES', 'unreachable'],
  ['EPERM', 'unreachable'],
  ['EINVAL', 'unreachable'],
]);

const REASON_BY_CODE: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ETIMEDOUT', 'no answer'],
  ['EHOSTUNREACH', 'the host is unreachable'],
  ['ENETUNREACH', 'there is no route to that network'],
  ['ECONNRESET', 'the other side reset the connection'],
  ['EPIPE', 'the other side closed the connection'],
]);
