import type { TransportAddress } from '../stun/transport-address.ts';
import { CHANNEL_LIFETIME_SECONDS, PERMISSION_LIFETIME_SECONDS } from '../limits.ts';
import type { Allocation, Relay } from './allocation.ts';
import { ChannelBinding } from './channel-binding.ts';
import type { AllocationEnd } from './commands.ts';
import { setCredentialEnd } from './credential-expiry.ts';
import { after } from './lifetime.ts';
import { NO_PORT, Permission } from './permission.ts';
import type { MonotonicMs, Now } from './policy.ts';
import { rateOf } from './rate-meter.ts';
import type { TurnContext } from './turn-context.ts';

/** Installs a permission, or gives a live one its full lifetime again (RFC 8656 §9). */
export function installPermission(
  context: TurnContext,
  allocation: Allocation,
  peer: TransportAddress,
  now: MonotonicMs,
): void {
  const expiresAtMs = after(now, PERMISSION_LIFETIME_SECONDS);
  const live = allocation.permissionByPeer.get(peer);
  if (live !== undefined) {
    live.expiresAtMs = expiresAtMs;
    return;
  }
  const permission = new Permission(allocation, peer, expiresAtMs);
  allocation.permissionByPeer.set(permission.peer, permission);
  context.expiry.add(permission, now);
}

/** Binds a channel, or gives a live binding its full lifetime again; the permission likewise (RFC 8656 §12.2). */
export function installChannel(
  context: TurnContext,
  relay: Relay,
  channelNumber: number,
  peer: TransportAddress,
  now: MonotonicMs,
): void {
  const { allocation } = relay;
  const expiresAtMs = after(now, CHANNEL_LIFETIME_SECONDS);
  installPermission(context, allocation, peer, now);
  const live = allocation.channelByNumber.get(channelNumber);
  if (live !== undefined) {
    live.expiresAtMs = expiresAtMs;
    return;
  }
  const traffic = context.admission.trafficOf(allocation, peer, peer.port);
  const binding = new ChannelBinding(relay, channelNumber, peer, traffic, expiresAtMs);
  allocation.channelByNumber.set(channelNumber, binding);
  allocation.channelByPeer.set(binding.peer, binding);
  context.expiry.add(binding, now);
  context.queue({ kind: 'channelUp', binding });
}

/** Ends a permission. */
export function removePermission(context: TurnContext, permission: Permission): void {
  permission.isGone = true;
  context.expiry.remove(permission);
  permission.allocation.permissionByPeer.delete(permission.peer);
}

/** Ends a channel binding. */
export function removeChannel(context: TurnContext, binding: ChannelBinding): void {
  binding.isGone = true;
  context.expiry.remove(binding);
  binding.allocation.channelByNumber.delete(binding.channelNumber);
  binding.allocation.channelByPeer.delete(binding.peer);
  context.queue({ kind: 'channelDown', binding });
}

/** Closes the socket of a relay and returns its port; a relay still waiting for its socket is closed once it has it. */
export function closeRelay(context: TurnContext, relay: Relay): void {
  if (relay.handle < 0) return;
  context.queue({ kind: 'closeRelay', relay });
  context.portsOf(relay.family).release(relay.port);
}

/** Ends one relay of a dual allocation with its permissions and channels (RFC 8656 §8.2). */
export function removeRelay(context: TurnContext, relay: Relay): void {
  const { allocation } = relay;
  for (const binding of allocation.channelByNumber.values()) {
    if (binding.relay === relay) removeChannel(context, binding);
  }
  for (const permission of allocation.permissionByPeer.values()) {
    if (permission.peer.family === relay.family) removePermission(context, permission);
  }
  allocation.relays.splice(allocation.relays.indexOf(relay), 1);
  closeRelay(context, relay);
}

/** Ends an allocation and everything it holds (RFC 8656 §8.2). */
export function endAllocation(
  context: TurnContext,
  allocation: Allocation,
  reason: AllocationEnd,
): void {
  if (allocation.isGone) return;
  const { client } = allocation;
  const wasActive = allocation.state === 'active';
  allocation.state = 'gone';
  for (const binding of allocation.channelByNumber.values()) removeChannel(context, binding);
  for (const permission of allocation.permissionByPeer.values())
    removePermission(context, permission);
  for (const relay of allocation.relays) closeRelay(context, relay);
  client.allocation = undefined;
  if (!client.isConnected) client.endpoint.allocationByClient.delete(client.address);
  context.allocations.delete(allocation);
  context.expiry.remove(allocation);
  context.options.quota.release(allocation.userId, client.address);
  if (wasActive) context.emit({ kind: 'allocationDeleted', allocation, reason });
}

/** Lets rules hold for a live allocation that may have been made under others. */
export function applyRules(context: TurnContext, allocation: Allocation, now: Now): void {
  const rate = rateOf(context.rules, allocation.isDegraded, allocation.meterUp.rate);
  allocation.meterUp.replace(rate, now.monotonicMs);
  allocation.meterDown.replace(rate, now.monotonicMs);
  setCredentialEnd(context, allocation, now);
  // The end may be nearer than it was.
  if (allocation.state === 'active') context.expiry.add(allocation, now.monotonicMs);
}

/** Asks the one door again for every live peer of an allocation, and ends what it denies now. */
export function readmit(context: TurnContext, allocation: Allocation): void {
  for (const binding of allocation.channelByNumber.values()) {
    const { peer } = binding;
    if (context.admits(allocation, peer, peer.port, 'routeChange'))
      binding.traffic = context.admission.trafficOf(allocation, peer, peer.port);
    else removeChannel(context, binding);
  }
  for (const permission of allocation.permissionByPeer.values()) {
    permission.admittedPort = NO_PORT;
    const { peer } = permission;
    if (!context.admits(allocation, peer, undefined, 'routeChange')) {
      removePermission(context, permission);
    }
  }
}
