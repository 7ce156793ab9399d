import type { FileConfig } from './schema.ts';
import { usableEntries } from './validate.ts';

/** What stands in place of an address that a STUN server tells. */
export const DISCOVER = 'discover';

/** True for the word in any letter case. */
export function isDiscover(text: string | undefined): boolean {
  return text?.toLowerCase() === DISCOVER;
}

/** True when an address of the relay is discovered. */
export function isDiscovering({ addresses }: NonNullable<FileConfig['relay']>): boolean {
  return usableEntries(addresses).some(([, { advertise }]) => isDiscover(advertise));
}
