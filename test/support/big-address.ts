/** An IP address as one number: how tests do by big integers what the product does by words. */
export interface BigAddress {
  /** 32 or 128. */
  readonly bits: number;
  readonly value: bigint;
}

/** All addresses that share their first `length` bits with `first`. */
export interface BigRange {
  readonly first: BigAddress;
  readonly length: number;
}

/** Reads the text of an address that a test knows to be one. */
export function bigAddress(text: string): BigAddress {
  if (!text.includes(':')) return { bits: 32, value: joined(text.split('.'), 8, 10) };
  const [left = '', right] = dottedAsHex(text).split('::');
  const head = groups(left);
  const tail = groups(right ?? '');
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return { bits: 128, value: joined([...head, ...zeros, ...tail], 16, 16) };
}

/** Reads `address/length`. */
export function bigRange(text: string): BigRange {
  const [address = '', length] = text.split('/');
  const first = bigAddress(address);
  return { first, length: Number(length ?? first.bits) };
}

/** True when the address is in the range. */
export function isInRange({ bits, value }: BigAddress, { first, length }: BigRange): boolean {
  const shift = BigInt(bits - length);
  return bits === first.bits && value >> shift === first.value >> shift;
}

/** Writes an address; IPv6 in full, without abbreviation. */
export function bigText({ bits, value }: BigAddress): string {
  if (bits === 32) return parts(value, 4, 8).join('.');
  return parts(value, 8, 16)
    .map((group) => group.toString(16))
    .join(':');
}

function parts(value: bigint, count: number, width: number): bigint[] {
  const mask = (1n << BigInt(width)) - 1n;
  return Array.from(
    { length: count },
    (_, at) => (value >> BigInt((count - 1 - at) * width)) & mask,
  );
}

function joined(digits: readonly string[], width: number, radix: 10 | 16): bigint {
  return digits.reduce(
    (value, digit) => (value << BigInt(width)) | BigInt(Number.parseInt(digit, radix)),
    0n,
  );
}

function groups(text: string): string[] {
  return text === '' ? [] : text.split(':');
}

function dottedAsHex(text: string): string {
  const dotted = /[\d.]+$/.exec(text)?.[0] ?? '';
  if (!dotted.includes('.')) return text;
  const value = joined(dotted.split('.'), 8, 10);
  const hex = `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
  return text.slice(0, -dotted.length) + hex;
}
