import { isIP } from 'node:net';
import { ephemeralPassword } from '../auth/ephemeral-credentials.ts';
import type { ClientCredential } from '../client/challenge.ts';
import { resolveHost } from '../client/resolve-host.ts';
import type { TurnLogin } from '../client/turn-uri.ts';
import { formatHostPort } from '../config/host-ports.ts';
import { GatewayError } from '../errors.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import { parseIpPort } from './ip-port.ts';

/** How long a credential that is made from a shared secret is valid. */
const TTL_SECONDS = 3600;

/**
 * The credential that the login of a URI stands for: a shared secret makes an ephemeral one.
 *
 * @param user - user id of an ephemeral credential, possibly empty.
 */
export function credentialOf(
  login: TurnLogin | undefined,
  user: string,
): ClientCredential | undefined {
  if (login?.kind !== 'secret') return login;
  const expiresAt = Math.floor(Date.now() / 1000) + TTL_SECONDS;
  const username = `${expiresAt}:${user}`;
  return { username, password: ephemeralPassword(login.secret, username) };
}

/**
 * Reads a peer as `parseUdpPeer` does, and looks up a host name.
 *
 * @throws GatewayError GW_ERR_USAGE; ClientError `unreachable` when the name has no address.
 */
export async function resolveUdpPeer(text: string): Promise<TransportAddress> {
  const [, host, port] = /^(?:udp:\/\/)?([a-z\d](?:[\w.-]*[\w.])?):(\d{1,5})$/i.exec(text) ?? [];
  if (host === undefined || isIP(host) !== 0) return parseUdpPeer(text);
  const number = Number(port);
  if (number < 1 || number > 65_535) return parseUdpPeer(text);
  const addresses = await resolveHost(host);
  return parseUdpPeer(formatHostPort({ host: addresses[0]!, port: number }));
}

/** Reads a peer, `udp://ip:port` or `ip:port`; throws GatewayError GW_ERR_USAGE. */
export function parseUdpPeer(text: string): TransportAddress {
  const address = parseIpPort(text.replace(/^udp:\/\//, ''));
  if (address !== undefined) return address;
  throw new GatewayError(
    'GW_ERR_USAGE',
    `"${text}" is not a peer; write udp://10.0.0.7:5004 or udp://[fd00::7]:5004`,
  );
}
