import { bigRange, isInRange, type BigAddress } from './big-address.ts';
import { SPECIAL_PURPOSES } from './special-purpose.ts';

const NEVER = SPECIAL_PURPOSES.filter(({ isPeer }) => !isPeer).map(({ range }) => bigRange(range));
const THIS_NETWORK = bigRange('0.0.0.0/8');
const NAT64 = bigRange('64:ff9b::/96');
const LOCAL_NAT64 = bigRange('64:ff9b:1::/48');
/** RFC 6052 §2.2: the lengths that leave the address inside of a /48. */
const LOCAL_NAT64_LENGTHS = [48, 56, 64, 96];

/** Says by big integers whether an address is no peer whatever the routes say; knows nothing of `src/route`. */
export function isNeverPeer(address: BigAddress): boolean {
  return (
    NEVER.some((range) => isInRange(address, range)) ||
    embedded(address).some((inner) => NEVER.some((range) => isInRange(inner, range)))
  );
}

/** What an IPv6 address outside of the ranges that are never peers may stand for. */
function embedded(address: BigAddress): BigAddress[] {
  if (address.bits === 32) return [];
  const { value } = address;
  const found = isIsatap(value) ? [ipv4(value)] : [];
  if (isInRange(address, NAT64)) found.push(ipv4(value));
  if (isInRange(address, LOCAL_NAT64)) found.push(...localNat64(value));
  return found;
}

/** RFC 5214 §6.1: `[02]00:5efe` in front of the address. */
function isIsatap(value: bigint): boolean {
  const identifier = (value >> 32n) & 0xffff_ffffn;
  return identifier === 0x0000_5efen || identifier === 0x0200_5efen;
}

/**
 * RFC 6052 §2.2: bits 64 to 71 are taken out, then the address follows the prefix. How long the prefix is cannot be
 * seen: what begins with zeros counts only where every length gives that.
 */
function localNat64(value: bigint): BigAddress[] {
  const withoutU = ((value >> 64n) << 56n) | (value & ((1n << 56n) - 1n));
  const layouts = LOCAL_NAT64_LENGTHS.map((length) =>
    length === 96 ? ipv4(value) : ipv4(withoutU >> BigInt(120 - length - 32)),
  );
  const plausible = layouts.filter((layout) => !isInRange(layout, THIS_NETWORK));
  return plausible.length > 0 ? plausible : layouts;
}

function ipv4(value: bigint): BigAddress {
  return { bits: 32, value: value & 0xffff_ffffn };
}
