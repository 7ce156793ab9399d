import type { ListenerProtocol } from './gateway-config.ts';

/** Whether clients speak TLS or DTLS to the listener. */
export function isSecureProtocol(protocol: ListenerProtocol): boolean {
  return protocol === 'tls' || protocol === 'dtls';
}

/** Whether clients reach the listener over UDP. */
export function isDatagramProtocol(protocol: ListenerProtocol): boolean {
  return protocol === 'udp' || protocol === 'dtls';
}
