import { readFileSync } from 'node:fs';

const LIMIT_WHEN_UNKNOWN = 1024;

/** How many file descriptors this process may have open at once. */
export function descriptorLimit(): number {
  try {
    const [, soft] =
      /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === 'unlimited' ? Infinity : Number(soft ?? LIMIT_WHEN_UNKNOWN);
  } catch {
    return LIMIT_WHEN_UNKNOWN;
  }
}
