import { isIP } from 'node:net';
import { GatewayError } from '../errors.ts';
import { endpointText } from './endpoint-text.ts';

/** What a client is to reach, as a URI says it. */
export interface TurnTarget {
  /** Undefined port and path are filled in; `dtls` is understood, even though nothing here speaks it. */
  readonly transport: 'udp' | 'tcp' | 'tls' | 'dtls';
  /** Name or IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** The URI is of a STUN server: it has no allocations. */
  readonly isStunOnly: boolean;
  /** What stands before the `@`: user and password, or a shared secret alone. */
  readonly login: TurnLogin | undefined;
}

/** The part of a URI before the `@`. */
export type TurnLogin =
  | { readonly kind: 'user'; readonly username: string; readonly password: string }
  | { readonly kind: 'secret'; readonly secret: string };

/**
 * Reads `turn:`, `turns:`, `stun:` and `stuns:` URIs: those of RFC 7064 and RFC 7065, and with `//` and a login as
 * STUNner's tools write them.
 *
 * @throws GatewayError GW_ERR_USAGE; the message does not repeat the URI, which may hold a password.
 */
export function parseTurnUri(text: string): TurnTarget {
  const [, scheme = '', rest = ''] = /^(turns?|stuns?):(?:\/\/)?(.*)$/is.exec(text.trim()) ?? [];
  if (scheme === '') throw usage('must start with turn: or turns:');
  const uri = `${scheme.toLowerCase()}://${rest}`;
  if (!URL.canParse(uri)) throw usage('is not understood');
  const { hostname, port, username, password, pathname, hash, searchParams } = new URL(uri);
  const host = decode(hostname).replace(/^\[(.*)\]$/, '$1');
  if (host === '') throw usage('needs a host');
  if (isIP(host) === 0 && !HOST_NAME.test(host))
    throw usage('has a host that is no name or address');
  if (!/^\/?$/.test(pathname) || hash !== '') throw usage('must end after the transport');
  if (port === '0') throw usage('needs a port from 1 to 65535');
  const isSecureScheme = /s$/i.test(scheme);
  const transport = transportOf(isSecureScheme, searchParams);
  const isSecure = transport === 'tls' || transport === 'dtls';
  return {
    transport,
    host,
    port: port === '' ? (isSecure ? SECURE_PORT : PLAIN_PORT) : Number(port),
    isStunOnly: scheme.toLowerCase().startsWith('stun'),
    login: loginOf(decode(username), decode(password), rest),
  };
}

/** The URI of a target without its login (RFC 7065 §3.1). */
export function formatTurnUri({ transport, host, port, isStunOnly }: TurnTarget): string {
  const isSecure = transport === 'tls' || transport === 'dtls';
  const scheme = `${isStunOnly ? 'stun' : 'turn'}${isSecure ? 's' : ''}`;
  const below = transport === 'udp' || transport === 'dtls' ? 'udp' : 'tcp';
  const query = isStunOnly ? '' : `?transport=${below}`;
  return `${scheme}:${endpointText(host, port)}${query}`;
}

function transportOf(isSecure: boolean, parameters: URLSearchParams): TurnTarget['transport'] {
  const keys = [...parameters.keys()];
  if (keys.some((key) => key !== 'transport') || keys.length > 1) {
    throw usage('takes one parameter, transport');
  }
  const name = (parameters.get('transport') ?? '').toLowerCase();
  const transport = (isSecure ? SECURE_TRANSPORTS : PLAIN_TRANSPORTS).get(name);
  if (transport === undefined) throw usage('takes transport udp, tcp or tls');
  return transport;
}

function loginOf(username: string, password: string, rest: string): TurnLogin | undefined {
  if (username === '') {
    if (rest.includes('@')) throw usage('has an empty user before the @');
    return undefined;
  }
  if (password === '') return { kind: 'secret', secret: username };
  return { kind: 'user', username, password };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw usage('has a broken percent-encoding');
  }
}

function usage(reason: string): GatewayError {
  const form = 'turn://user:password@host:3478?transport=udp';
  return new GatewayError('GW_ERR_USAGE', `the TURN URI ${reason}; it looks like ${form}`);
}

const HOST_NAME = /^[a-z0-9_]([a-z0-9_.-]{0,252}[a-z0-9_.])?$/i;
/** RFC 7065 §3.2. */
const PLAIN_PORT = 3478;
const SECURE_PORT = 5349;

const PLAIN_TRANSPORTS: ReadonlyMap<string, TurnTarget['transport']> = new Map([
  ['', 'udp'],
  ['udp', 'udp'],
  ['tcp', 'tcp'],
  ['tls', 'tls'],
  ['dtls', 'dtls'],
]);
const SECURE_TRANSPORTS: ReadonlyMap<string, TurnTarget['transport']> = new Map([
  ['', 'tls'],
  ['tcp', 'tls'],
  ['tls', 'tls'],
  ['udp', 'dtls'],
  ['dtls', 'dtls'],
]);
