import assert from 'node:assert';
import { GatewayError } from '../errors.ts';
import { isLoopback, isUnspecified, parseIp } from './addresses.ts';
import { LISTENER_PORT_DEFAULT, SECURE_PORT_DEFAULT } from './default-values.ts';
import { escapeVariables } from './environment.ts';
import type { GatewayConfig, ListenerProtocol } from './gateway-config.ts';
import { isSecureProtocol } from './listener-protocols.ts';
import { parseConfig } from './parse.ts';

/**
 * The open gateway that a one-line start asks for: `turn://user:pass@ip:port?transport=udp`.
 *
 * @param uri - user and password percent-encoded where needed. `turn`: transport `udp` (default) or `tcp`, default port
 *   3478; `turns`: transport `tcp` (default, TLS) or `udp` (DTLS), default port 5349 (RFC 7065 §3.2), with a
 *   certificate made at start. Transports `tls` and `dtls` mean the same with either.
 * @throws GatewayError GW_ERR_USAGE when the URI is not understood.
 */
export function oneLineConfig(uri: string): GatewayConfig {
  const { username, password, ip, port, protocol } = parseUri(uri);
  const result = parseConfig(
    JSON.stringify({
      version: 'v1',
      // Who tries it out wants Ctrl-C to end it.
      admin: { healthcheck_endpoint: '', drain_timeout: 0 },
      auth: {
        type: 'static',
        credentials: { username: escapeVariables(username), password: escapeVariables(password) },
      },
      listeners: [
        {
          name: 'default-listener',
          protocol,
          port,
          ...(isLoopback(ip) ? { bind: ip } : {}),
          ...(isUnspecified(ip) ? {} : { address: ip, public_address: ip }),
          ...(isSecureProtocol(protocol) ? { tls: { certificate: 'generated' } } : {}),
          routes: ['allow-any'],
        },
      ],
      clusters: [{ name: 'allow-any', endpoints: ['0.0.0.0/0', '::/0'] }],
    }),
    { fileName: 'command line', environment: {}, readFile: refuseToRead },
  );
  if ('problems' in result) throw usage(result.problems[0]?.message ?? 'cannot be used');
  return result.config;
}

interface TurnUri {
  username: string;
  password: string;
  ip: string;
  port: number;
  protocol: ListenerProtocol;
}

function parseUri(text: string): TurnUri {
  if (!URL.canParse(text)) throw usage('is not a URI');
  const uri = new URL(text);
  const protocol = protocolOf(uri);
  const [username, password] = [decode(uri.username), decode(uri.password)];
  if (username === '' || password === '') throw usage('needs user:password before the address');
  const host = uri.hostname.replace(/^\[(.*)\]$/, '$1');
  const ip = host.toLowerCase() === 'localhost' ? '127.0.0.1' : parseIp(host);
  if (ip === undefined) throw usage('needs an IP address, not a host name');
  const defaultPort = isSecureProtocol(protocol) ? SECURE_PORT_DEFAULT : LISTENER_PORT_DEFAULT;
  const port = uri.port === '' ? defaultPort : Number(uri.port);
  if (port === 0) throw usage('needs a port from 1 to 65535');
  if (!/^\/?$/.test(uri.pathname) || uri.hash !== '') throw usage('must end after the transport');
  return { username, password, ip, port, protocol };
}

const PLAIN: ReadonlyMap<string, ListenerProtocol> = new Map([
  ['', 'udp'],
  ['udp', 'udp'],
  ['tcp', 'tcp'],
  ['tls', 'tls'],
  ['dtls', 'dtls'],
]);
const SECURE: ReadonlyMap<string, ListenerProtocol> = new Map([
  ['', 'tls'],
  ['udp', 'dtls'],
  ['tcp', 'tls'],
  ['tls', 'tls'],
  ['dtls', 'dtls'],
]);

function protocolOf(uri: URL): ListenerProtocol {
  const transport = (uri.searchParams.get('transport') ?? '').toLowerCase();
  const isOnlyTransport = [...uri.searchParams.keys()].every((key) => key === 'transport');
  if (!isOnlyTransport || uri.searchParams.size > 1) throw usage('takes one parameter, transport');
  if (!/^turns?:$/.test(uri.protocol)) throw usage('must start with turn:// or turns://');
  const protocol = (uri.protocol === 'turns:' ? SECURE : PLAIN).get(transport);
  if (protocol === undefined) throw usage('takes transport udp or tcp');
  return protocol;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw usage('has a broken percent-encoding');
  }
}

/** The URI carries a password, so messages do not repeat it. */
function usage(reason: string): GatewayError {
  const form = 'turn://user:password@address:port?transport=udp';
  return new GatewayError('GW_ERR_USAGE', `the URI ${reason}; it looks like ${form}`);
}

function refuseToRead(path: string): never {
  assert.fail(`no file is named here: ${path}`);
}
