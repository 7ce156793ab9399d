/** What stands in place of a secret. */
export const MASK = '***';

/** The entries that have a value, as a fresh object. */
export function withoutUnset(entries: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}
