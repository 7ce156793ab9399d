import type { Allocation } from './allocation.ts';
import type { Authenticated } from './authentication.ts';
import type { MonotonicMs, Now } from './policy.ts';
import type { TurnContext } from './turn-context.ts';

/** The owner of an allocation has shown a credential: one that expires later than those before counts from now on. */
export function prolongCredential(
  context: TurnContext,
  allocation: Allocation,
  { credential: { expiresAtUnixSeconds }, credentialUserId }: Authenticated,
  now: Now,
): void {
  if (expiresAtUnixSeconds <= allocation.credentialExpiresAtUnixSeconds) return;
  allocation.credentialExpiresAtUnixSeconds = expiresAtUnixSeconds;
  allocation.credentialUserId = credentialUserId;
  setCredentialEnd(context, allocation, now);
}

/** Lets an allocation end with its credential, or not, as the rules say now. */
export function setCredentialEnd(context: TurnContext, allocation: Allocation, now: Now): void {
  const { credentialExpiresAtUnixSeconds: last } = allocation;
  const isClosed = context.rules.onCredentialExpiry === 'close';
  // The second that the credential names is the last one in which it is valid.
  const leftSeconds = isClosed ? last + 1 - now.unixSeconds : Infinity;
  allocation.credentialEndsAtMs = (now.monotonicMs + leftSeconds * 1000) as MonotonicMs;
}

/**
 * The LIFETIME to tell a client whose allocation was granted so many seconds: no more than are left of its credential,
 * rounded up, so that it comes back in time with a newer one. At least 1, since 0 would say that the allocation is
 * gone. What was granted still counts once there is a newer credential.
 */
export function toldLifetime(
  { credentialEndsAtMs }: Allocation,
  grantedSeconds: number,
  now: MonotonicMs,
): number {
  // Sums of clocks are not exact: without the rounding some would seem a second longer.
  const leftSeconds = Math.ceil(Math.round(credentialEndsAtMs - now) / 1000);
  return Math.max(1, Math.min(grantedSeconds, leftSeconds));
}
