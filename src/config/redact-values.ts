/** What stands in place of a secret. */
export const MASK = '***';

/** What stands in place of a secret: its mask for people, itself where secrets are compared. */
export type ShowSecret = (secret: string) => string;

/** The entries that have a value, as a fresh object. */
export function withoutUnset(entries: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}
