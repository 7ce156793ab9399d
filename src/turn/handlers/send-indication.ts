import { readXorAddress } from '../../stun/attributes.ts';
import type { StunMessage } from '../../stun/message.ts';
import { ATTRIBUTE } from '../../stun/registry.ts';
import type { Allocation } from '../allocation.ts';
import { isKnownAttribute } from '../known-attributes.ts';
import type { Permission } from '../permission.ts';
import type { RelayedData } from '../relayed-data.ts';
import type { TurnContext } from '../turn-context.ts';

/**
 * Handles a Send indication (RFC 8656 §11.2); creates nothing for data that is relayed.
 *
 * @param into - receives peer, payload and the don't-fragment wish.
 * @returns the permission under which the payload may be sent, or undefined when it is dropped in silence.
 */
export function handleSendIndication(
  context: TurnContext,
  allocation: Allocation,
  message: StunMessage,
  into: RelayedData,
): Permission | undefined {
  if (message.hasUnknownComprehensionRequired(isKnownAttribute))
    return context.drop('malformedIndication');
  const data = message.find(ATTRIBUTE.DATA);
  const hasPeer = readXorAddress(message, message.find(ATTRIBUTE.XOR_PEER_ADDRESS), into.peer);
  if (data < 0 || !hasPeer || into.peer.port === 0) return context.drop('malformedIndication');
  const asksForDontFragment = message.find(ATTRIBUTE.DONT_FRAGMENT) >= 0;
  if (asksForDontFragment && !context.options.isDontFragmentSupported) {
    return context.drop('malformedIndication');
  }
  const relay = allocation.relayOf(into.peer.family);
  if (relay === undefined) return context.drop('noRelayOfFamily');
  const permission = allocation.permissionByPeer.get(into.peer);
  if (permission === undefined) return context.drop('noPermission');
  if (!context.admission.passes(permission, into.peer.port)) {
    reportDenial(context, permission, into.peer.port);
    return context.drop('peerNotAdmitted');
  }
  into.relay = relay;
  // Between families the bit must be ignored (RFC 8656 §13).
  into.dontFragment = asksForDontFragment && allocation.client.address.family === relay.family;
  into.payloadOffset = message.valueOffset(data);
  into.payloadLength = message.valueLength(data);
  return permission;
}

/** Reports once that a port is not routed, not for each packet nor for each port that is tried. */
function reportDenial(context: TurnContext, permission: Permission, port: number): void {
  if (permission.isDenialReported) return;
  permission.isDenialReported = true;
  const peer = permission.peer.clone();
  peer.port = port;
  context.admits(permission.allocation, peer, port, 'Send');
}
