import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { familyOf, IPV4, type Address } from './wire/address.ts';

/** What carries messages to the server. */
export type Carrier = 'UDP' | 'TCP' | 'TLS' | 'DTLS';

/** One address of a server, as a TURN URI names it (RFC 7065). */
export interface Target {
  readonly uri: string;
  readonly carrier: Carrier;
  /** Name or address in the URI, which a certificate has to be for. */
  readonly host: string;
  readonly server: Address;
  /** Own address on the way there. */
  readonly localIp: string;
}

const URI = /^(turns?):(\[[0-9a-f:.]+\]|[\w.-]+)(?::(\d+))?(?:\?transport=(udp|tcp))?$/i;
const CARRIERS = {
  turn: { udp: 'UDP', tcp: 'TCP' },
  turns: { udp: 'DTLS', tcp: 'TLS' },
} as const;

/** Finds out where a TURN URI leads; throws an Error when it is none or nobody knows the name. */
export async function resolveTarget(uri: string): Promise<Target> {
  const match = URI.exec(uri);
  if (match === null) throw new Error(`${uri} is no TURN URI`);
  const scheme = match[1]!.toLowerCase() as keyof typeof CARRIERS;
  const transport = (match[4]?.toLowerCase() ?? (scheme === 'turn' ? 'udp' : 'tcp')) as 'udp';
  const host = match[2]!.replace(/^\[|\]$/g, '');
  const port = Number(match[3] ?? (scheme === 'turn' ? 3478 : 5349));
  const ip = isIP(host) === 0 ? (await lookup(host)).address : host;
  const server = { ip, port };
  const localIp = await localIpTowards(server);
  return { uri, carrier: CARRIERS[scheme][transport], host, server, localIp };
}

async function localIpTowards({ ip, port }: Address): Promise<string> {
  const socket = createSocket(familyOf(ip) === IPV4 ? 'udp4' : 'udp6');
  try {
    socket.connect(port, ip);
    await once(socket, 'connect');
    return socket.address().address;
  } finally {
    socket.close();
  }
}
