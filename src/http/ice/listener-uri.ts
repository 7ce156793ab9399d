import type { ListenerProtocol } from '../../config/gateway-config.ts';
import type { IceListener } from './ice-source.ts';

const SCHEME_AND_TRANSPORT = {
  udp: ['turn', 'udp'],
  tcp: ['turn', 'tcp'],
  tls: ['turns', 'tcp'],
  dtls: ['turns', 'udp'],
} as const satisfies Record<ListenerProtocol, readonly [string, string]>;

/**
 * The TURN URI of a listener; the transport is always written (RFC 7065 §3.1).
 *
 * @param publicAddress - host that replaces the listener's public address; undefined to keep it.
 */
export function listenerUri(listener: IceListener, publicAddress: string | undefined): string {
  const [scheme, transport] = SCHEME_AND_TRANSPORT[listener.protocol];
  const host = listenerHost(listener, publicAddress);
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return `${scheme}:${bracketed}:${listener.port}?transport=${transport}`;
}

function listenerHost(listener: IceListener, publicAddress: string | undefined): string {
  return (publicAddress ?? listener.publicAddress) || listener.address || '0.0.0.0';
}
