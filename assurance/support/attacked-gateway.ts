import { readFileSync } from 'node:fs';
import { startReady, type GatewayProcess } from '../../test/support/gateway-process.ts';
import { ADDRESSES, attackNetwork } from './attack-network.ts';

/** Where the gateway under attack listens, and what it knows. */
export const TARGET = {
  port: 3478,
  dtlsPort: 5349,
  tlsPort: 5350,
  host: ADDRESSES.server,
  secret: 'a-secret-for-tests-only',
  realm: 'example.org',
} as const;

/**
 * Starts a gateway with one relay worker in the attack network.
 *
 * Every limit is the one that a gateway has unless it is told otherwise.
 *
 * @param more - top-level keys of the configuration to add or to replace.
 * @param launcher - what its command line begins with, before that of the network.
 */
export function startTarget(
  more: Readonly<Record<string, unknown>> = {},
  launcher: readonly string[] = [],
): Promise<GatewayProcess> {
  const configuration = { ...usualConfiguration(), ...more };
  return startReady(configuration, [], {}, [...launcher, ...attackNetwork().server]);
}

function usualConfiguration(): Record<string, unknown> {
  const { host, port, dtlsPort, tlsPort, realm, secret } = TARGET;
  const listener = { bind: host, public_address: host, routes: ['peers'] };
  const tls = { certificate: 'generated' };
  return {
    version: 'v1',
    admin: {
      name: 'under-attack',
      log_format: 'json',
      healthcheck_endpoint: '',
      api_endpoint: '',
      drain_timeout: 0,
    },
    auth: { type: 'ephemeral', realm, credentials: { secret } },
    ice: { endpoint: 'http://127.0.0.1:8088' },
    listeners: [
      { name: 'udp', protocol: 'TURN-UDP', port, ...listener },
      { name: 'tcp', protocol: 'TURN-TCP', port, ...listener },
      { name: 'dtls', protocol: 'TURN-DTLS', port: dtlsPort, ...listener, tls },
      { name: 'tls', protocol: 'TURN-TLS', port: tlsPort, ...listener, tls },
    ],
    relay: { addresses: [{ bind: host, advertise: host }], workers: 1 },
    clusters: [
      {
        name: 'peers',
        endpoints: [ADDRESSES.peer],
        dangerously_allow: [`${ADDRESSES.peer}/32`],
      },
    ],
  };
}

/** Datagrams that the kernel has thrown away at the UDP sockets of a gateway on `port`, their buffers being full. */
export function droppedDatagrams(pid: number, port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const [, ...lines] = readFileSync(`/proc/${pid}/net/udp`, 'utf8').trim().split('\n');
  const fields = lines.map((line) => line.trim().split(/\s+/));
  const own = fields.filter(([, local]) => local!.endsWith(suffix));
  return own.reduce((sum, each) => sum + Number(each.at(-1)), 0);
}
