import { DNS_ADDRESSES_PER_NAME_MAX, DNS_TTL_MAX_SECONDS, DNS_TTL_MIN_SECONDS } from '../limits.ts';
import { type AddressFamily, TransportAddress } from '../stun/transport-address.ts';
import { forbiddenCategory } from './forbidden-peers.ts';
import type { Prefix } from './prefix.ts';

/** One A or AAAA record. */
export interface ResolvedAddress {
  readonly address: string;
  /** Seconds. */
  readonly ttl: number;
}

/** Looks up one record type of a name, as `resolve4` of `node:dns/promises` with `ttl: true` does. */
export type ResolveAddresses = (name: string) => Promise<readonly ResolvedAddress[]>;

/** Outcome of one look-up of one record type. */
export type Answer =
  | { readonly kind: 'addresses'; readonly records: readonly ResolvedAddress[] }
  /** The name, or a record of the type, does not exist. */
  | { readonly kind: 'notFound'; readonly code: string }
  | { readonly kind: 'failed'; readonly code: string };

/** Asks one resolver and turns every failure into a value. */
export async function ask(resolve: ResolveAddresses, name: string): Promise<Answer> {
  try {
    const records = await resolve(name);
    return records.length > 0
      ? { kind: 'addresses', records }
      : { kind: 'notFound', code: 'ENODATA' };
  } catch (error) {
    const code = errorCode(error);
    const isMissing = code === 'ENOTFOUND' || code === 'ENODATA';
    return { kind: isMissing ? 'notFound' : 'failed', code };
  }
}

/** The addresses of an answer that may be used, and those that may not. */
export interface SiftedAddresses {
  /** Text in canonical form, sorted, each once. */
  readonly usable: readonly string[];
  readonly forbidden: readonly string[];
}

/** Parts usable from forbidden addresses; what is no address of the family is left out. */
export function siftAddresses(
  records: readonly ResolvedAddress[],
  family: AddressFamily,
  dangerouslyAllow: readonly Prefix[],
): SiftedAddresses {
  const usable = new Set<string>();
  const forbidden = new Set<string>();
  for (const record of records) {
    const address = TransportAddress.parse(record.address);
    if (address?.family !== family) continue;
    const isUsable =
      forbiddenCategory(address) === undefined ||
      dangerouslyAllow.some((prefix) => prefix.contains(address));
    (isUsable ? usable : forbidden).add(address.ip());
  }
  return { usable: [...usable].toSorted(), forbidden: [...forbidden].toSorted() };
}

/** Cuts a sorted list to the bound of a name, so that an answer in random order gives the same addresses. */
export function boundAddresses(addresses: readonly string[]): readonly string[] {
  return addresses.slice(0, DNS_ADDRESSES_PER_NAME_MAX);
}

/** Seconds until the next look-up: the shortest TTL of the answers within the limits; the least when one failed. */
export function secondsToNextLookUp(answers: readonly Answer[]): number {
  if (answers.some((answer) => answer.kind === 'failed')) return DNS_TTL_MIN_SECONDS;
  let shortest = Infinity;
  for (const answer of answers) {
    if (answer.kind !== 'addresses') continue;
    for (const { ttl } of answer.records) shortest = Math.min(shortest, ttl);
  }
  // Nothing found, or a TTL that is no number: look again soon.
  if (!Number.isFinite(shortest)) return DNS_TTL_MIN_SECONDS;
  return Math.min(Math.max(shortest, DNS_TTL_MIN_SECONDS), DNS_TTL_MAX_SECONDS);
}

function errorCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return 'EUNKNOWN';
  return typeof error.code === 'string' ? error.code : 'EUNKNOWN';
}
