import { ATTRIBUTE } from '../../stun/registry.ts';
import { readFamily } from '../allocate-wish.ts';
import { toldLifetime } from '../credential-expiry.ts';
import { endAllocation, removeRelay } from '../lifecycle.ts';
import { after, grantedLifetime, readLifetime } from '../lifetime.ts';
import { answerSuccess, type AllocationRequest, type Rejection } from '../request.ts';
import type { TurnContext } from '../turn-context.ts';

/**
 * Handles a Refresh request (RFC 8656 §8.2).
 *
 * LIFETIME 0 ends the allocation; with REQUESTED-ADDRESS-FAMILY it ends that family of a dual allocation alone.
 */
export function handleRefresh(
  context: TurnContext,
  request: AllocationRequest,
): Rejection | undefined {
  const { allocation, message, now } = request;
  const wish = readLifetime(message);
  const family = readFamily(message, ATTRIBUTE.REQUESTED_ADDRESS_FAMILY);
  if (wish === 'malformed' || family === 'malformed') return { code: 400 };
  const relay = allocation.relays.find((candidate) => candidate.family === family);
  if (family !== undefined && relay === undefined) return { code: 443 };

  const lifetimeSeconds = wish === 0 ? 0 : grantedLifetime(wish);
  const told = wish === 0 ? 0 : toldLifetime(allocation, lifetimeSeconds, now.monotonicMs);
  answerSuccess(context, request, (writer) => writer.uint32(ATTRIBUTE.LIFETIME, told));
  if (lifetimeSeconds > 0) {
    allocation.lifetimeEndsAtMs = after(now.monotonicMs, lifetimeSeconds);
    // The new end may be nearer than the old one.
    context.expiry.add(allocation, now.monotonicMs);
  } else if (relay !== undefined && allocation.relays.length > 1) {
    removeRelay(context, relay);
  } else {
    endAllocation(context, allocation, 'refreshedToZero');
  }
  return undefined;
}
