import { readUint32 } from '../stun/attributes.ts';
import type { StunMessage } from '../stun/message.ts';
import { ATTRIBUTE } from '../stun/registry.ts';
import { ALLOCATION_LIFETIME_DEFAULT_SECONDS, ALLOCATION_LIFETIME_MAX_SECONDS } from '../limits.ts';
import type { MonotonicMs } from './policy.ts';

/** The instant `seconds` after `now`. */
export function after(now: MonotonicMs, seconds: number): MonotonicMs {
  return (now + seconds * 1000) as MonotonicMs;
}

/** Reads LIFETIME: seconds, 'absent', or 'malformed'. */
export function readLifetime(message: StunMessage): number | 'absent' | 'malformed' {
  const index = message.find(ATTRIBUTE.LIFETIME);
  if (index < 0) return 'absent';
  return readUint32(message, index) ?? 'malformed';
}

/** The lifetime granted for a wish, between the default and the maximum (RFC 8656 §7.2). */
export function grantedLifetime(wish: number | 'absent'): number {
  if (wish === 'absent') return ALLOCATION_LIFETIME_DEFAULT_SECONDS;
  return Math.max(
    ALLOCATION_LIFETIME_DEFAULT_SECONDS,
    Math.min(wish, ALLOCATION_LIFETIME_MAX_SECONDS),
  );
}
