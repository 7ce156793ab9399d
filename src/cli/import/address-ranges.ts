import ipaddr from 'ipaddr.js';
import { parseBlock } from '../../config/addresses.ts';

/** Inclusive range of addresses of one family as numbers. */
export interface AddressRange {
  readonly bits: 32 | 128;
  readonly first: bigint;
  readonly last: bigint;
}

/** Reads `10.0.0.1`, `10.0.0.0/8` or coturn's `10.0.0.1-10.0.0.9`; undefined when it is none of them. */
export function parseRange(text: string): AddressRange | undefined {
  const dash = text.indexOf('-');
  if (dash < 0) return blockRange(text);
  const low = blockRange(text.slice(0, dash).trim());
  const high = blockRange(text.slice(dash + 1).trim());
  if (low === undefined || high === undefined || low.bits !== high.bits) return undefined;
  if (low.first !== low.last || high.first !== high.last || low.first > high.first)
    return undefined;
  return { bits: low.bits, first: low.first, last: high.first };
}

/** What is left of some ranges without others; in the order of the first ones. */
export function subtractRanges(
  ranges: readonly AddressRange[],
  without: readonly AddressRange[],
): AddressRange[] {
  return without.reduce<AddressRange[]>(
    (left, hole) => left.flatMap((range) => subtractRange(range, hole)),
    [...ranges],
  );
}

/** The fewest CIDR blocks that cover exactly a range. */
export function rangeBlocks({ bits, first, last }: AddressRange): string[] {
  const blocks: string[] = [];
  for (let next = first; next <= last;) {
    let hostBits = next === 0n ? bits : trailingZeros(next, bits);
    while (next + (1n << BigInt(hostBits)) - 1n > last) hostBits--;
    blocks.push(formatBlock(next, bits, bits - hostBits));
    next += 1n << BigInt(hostBits);
  }
  return blocks;
}

/** True when an address lies in both. */
export function isOverlap(left: AddressRange, right: AddressRange): boolean {
  return left.bits === right.bits && left.first <= right.last && right.first <= left.last;
}

function blockRange(text: string): AddressRange | undefined {
  const block = parseBlock(text);
  if (block === undefined) return undefined;
  const bytes = ipaddr.parse(block.address).toByteArray();
  const bits = bytes.length === 4 ? 32 : 128;
  const first = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { bits, first, last: first + (1n << BigInt(bits - block.prefixLength)) - 1n };
}

function subtractRange(range: AddressRange, hole: AddressRange): AddressRange[] {
  if (!isOverlap(range, hole)) return [range];
  return [
    ...(hole.first > range.first ? [{ ...range, last: hole.first - 1n }] : []),
    ...(hole.last < range.last ? [{ ...range, first: hole.last + 1n }] : []),
  ];
}

function trailingZeros(value: bigint, max: number): number {
  let zeros = 0;
  while (zeros < max && ((value >> BigInt(zeros)) & 1n) === 0n) zeros++;
  return zeros;
}

function formatBlock(first: bigint, bits: 32 | 128, prefixLength: number): string {
  const bytes = Array.from({ length: bits / 8 }, (_, index) =>
    Number((first >> BigInt(bits - 8 * (index + 1))) & 0xffn),
  );
  const address = ipaddr.fromByteArray(bytes).toString();
  return prefixLength === bits ? address : `${address}/${prefixLength}`;
}
