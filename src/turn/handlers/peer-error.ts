import { putUint32 } from '../../stun/big-endian.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../stun/registry.ts';
import { IPV4, type TransportAddress } from '../../stun/transport-address.ts';
import type { Relay } from '../allocation.ts';
import type { TurnContext } from '../turn-context.ts';

/**
 * Passes an ICMP error on to the client as a Data indication (RFC 8656 §11.5, §18.13).
 *
 * @param peer - destination of the datagram that met the error; borrowed.
 */
export function handlePeerError(
  context: TurnContext,
  relay: Relay,
  peer: TransportAddress,
  type: number,
  code: number,
  errorData: number,
): void {
  const { allocation } = relay;
  if (allocation.state !== 'active' || !isRelayedType(relay, type)) return;
  if (allocation.permissionByPeer.get(peer) === undefined) {
    context.drop('noPermission');
    return;
  }
  const id = new Uint8Array(12);
  context.options.random.fill(id);
  const value = new Uint8Array(8);
  putUint32(value, 0, ((type & 0x7f) << 9) | (code & 0x1ff));
  putUint32(value, 4, errorData);
  const bytes = context.writer
    .begin(METHOD.DATA, CLASS.INDICATION, id)
    .xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer)
    .attribute(ATTRIBUTE.ICMP, value)
    .written();
  context.send(allocation.client, bytes);
}

/** Destination unreachable and time exceeded; over IPv6 packet too big as well. */
function isRelayedType(relay: Relay, type: number): boolean {
  return relay.family === IPV4 ? type === 3 || type === 11 : type >= 1 && type <= 3;
}
