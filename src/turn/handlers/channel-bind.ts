import { readUint16, readXorAddress } from '../../stun/attributes.ts';
import { ATTRIBUTE } from '../../stun/registry.ts';
import { TransportAddress } from '../../stun/transport-address.ts';
import type { Allocation } from '../allocation.ts';
import {
  CHANNEL_NUMBER_MAX,
  CHANNEL_NUMBER_MAX_RFC5766,
  CHANNEL_NUMBER_MIN,
} from '../channel-data.ts';
import { installChannel } from '../lifecycle.ts';
import { answerSuccess, type AllocationRequest, type Rejection } from '../request.ts';
import type { TurnContext } from '../turn-context.ts';

/** Handles a ChannelBind request (RFC 8656 §12.2). */
export function handleChannelBind(
  context: TurnContext,
  request: AllocationRequest,
): Rejection | undefined {
  const { allocation, message, now } = request;
  const channelNumber = readUint16(message, message.find(ATTRIBUTE.CHANNEL_NUMBER), 4);
  const peer = new TransportAddress();
  const hasPeer = readXorAddress(message, message.find(ATTRIBUTE.XOR_PEER_ADDRESS), peer);
  if (channelNumber === undefined || !isInRange(context, channelNumber)) return { code: 400 };
  if (!hasPeer) return { code: 400 };
  if (isBoundOtherwise(allocation, channelNumber, peer)) return { code: 400 };
  const relay = allocation.relayOf(peer.family);
  if (relay === undefined) return { code: 443 };
  if (peer.port === 0) return { code: 400 };

  if (!context.admits(allocation, peer, peer.port, 'ChannelBind')) return { code: 403 };
  if (!hasRoom(context, allocation, channelNumber, peer)) return { code: 508 };

  installChannel(context, relay, channelNumber, peer, now.monotonicMs);
  answerSuccess(context, request);
  return undefined;
}

function isInRange(context: TurnContext, channelNumber: number): boolean {
  const max = context.rules.strictChannelNumbers ? CHANNEL_NUMBER_MAX : CHANNEL_NUMBER_MAX_RFC5766;
  return channelNumber >= CHANNEL_NUMBER_MIN && channelNumber <= max;
}

/** True when the number belongs to another peer, or the peer to another number. */
function isBoundOtherwise(
  allocation: Allocation,
  channelNumber: number,
  peer: TransportAddress,
): boolean {
  const byNumber = allocation.channelByNumber.get(channelNumber);
  const byPeer = allocation.channelByPeer.get(peer);
  return byNumber !== byPeer;
}

function hasRoom(
  { rules }: TurnContext,
  { channelByNumber, permissionByPeer }: Allocation,
  channelNumber: number,
  peer: TransportAddress,
): boolean {
  const hasChannel =
    channelByNumber.has(channelNumber) || channelByNumber.size < rules.channelsPerAllocationMax;
  const hasPermission =
    permissionByPeer.get(peer) !== undefined ||
    permissionByPeer.size < rules.permissionsPerAllocationMax;
  return hasChannel && hasPermission;
}
