import { readXorAddress } from '../../stun/attributes.ts';
import type { StunMessage } from '../../stun/message.ts';
import { ATTRIBUTE } from '../../stun/registry.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import type { Allocation } from '../allocation.ts';
import { installPermission } from '../lifecycle.ts';
import { answerSuccess, type AllocationRequest, type Rejection } from '../request.ts';
import type { TurnContext } from '../turn-context.ts';

/** Handles a CreatePermission request: all of its peers get a permission, or none (RFC 8656 §10.2). */
export function handleCreatePermission(
  context: TurnContext,
  request: AllocationRequest,
): Rejection | undefined {
  const { allocation, message, now } = request;
  const peers = readPeers(message);
  if (peers === undefined || peers.length === 0) return { code: 400 };
  if (peers.some((peer) => allocation.relayOf(peer.family) === undefined)) return { code: 443 };
  for (const peer of peers) {
    if (!context.admits(allocation, peer, undefined, 'CreatePermission')) return { code: 403 };
  }
  const added = countNew(allocation, peers);
  const count = added + allocation.permissionByPeer.size;
  if (added > 0 && count > context.rules.permissionsPerAllocationMax) return { code: 508 };

  for (const peer of peers) installPermission(context, allocation, peer, now.monotonicMs);
  answerSuccess(context, request);
  return undefined;
}

/** All XOR-PEER-ADDRESS attributes, or undefined when one is malformed. */
function readPeers(message: StunMessage): TransportAddress[] | undefined {
  const peers: TransportAddress[] = [];
  let index = message.find(ATTRIBUTE.XOR_PEER_ADDRESS);
  for (; index >= 0; index = message.findNext(ATTRIBUTE.XOR_PEER_ADDRESS, index)) {
    const peer = new TransportAddress();
    if (!readXorAddress(message, index, peer)) return undefined;
    peers.push(peer);
  }
  return peers;
}

function countNew(allocation: Allocation, peers: readonly TransportAddress[]): number {
  const isFirst = (peer: TransportAddress, index: number): boolean =>
    peers.findIndex((other) => other.equalsIp(peer)) === index;
  return peers.filter(
    (peer, index) => !allocation.permissionByPeer.get(peer) && isFirst(peer, index),
  ).length;
}
