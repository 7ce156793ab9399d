import type { Allocation } from './allocation.ts';
import type { Credential, MonotonicMs, Now } from './policy.ts';
import type { TurnContext } from './turn-context.ts';

/** The owner of an allocation has shown a credential: one that expires later than those before counts from now on. */
export function prolongCredential(
  context: TurnContext,
  allocation: Allocation,
  { expiresAtUnixSeconds }: Credential,
  now: Now,
): void {
  if (expiresAtUnixSeconds <= allocation.credentialExpiresAtUnixSeconds) return;
  allocation.credentialExpiresAtUnixSeconds = expiresAtUnixSeconds;
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
