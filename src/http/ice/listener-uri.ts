import type { ListenerProtocol } from '../../config/gateway-config.ts';
import type { IceListener } from './ice-source.ts';

/** The value STUNner's control plane writes where the address of the node is not known yet. */
const NODE_ADDRESS_PLACEHOLDER = '__node_address_placeholder';

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
  const preferred = publicAddress ?? listener.publicAddress;
  if (preferred !== undefined && preferred !== '') return preferred;
  const isUnknown = listener.address === undefined || listener.address === '';
  return isUnknown || listener.address === NODE_ADDRESS_PLACEHOLDER ? '0.0.0.0' : listener.address;
}
