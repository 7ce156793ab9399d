import { isIPv4 } from 'node:net';
import { MAGIC_COOKIE } from './numbers.ts';

/** Address families as TURN numbers them (RFC 8656 §18.9). */
export type Family = 1 | 2;
export const IPV4 = 1;
export const IPV6 = 2;

/** A transport address. */
export interface Address {
  readonly ip: string;
  readonly port: number;
}

/** The family of an IP address. */
export function familyOf(ip: string): Family {
  return isIPv4(ip) ? IPV4 : IPV6;
}

/** The IP address of 4 or 16 bytes, in its canonical form. */
export function ipText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const words = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return canonicalIpv6(words.join(':'));
}

/** `ip:port` or `[ip]:port`. */
export function addressText({ ip, port }: Address): string {
  return familyOf(ip) === IPV4 ? `${ip}:${port}` : `[${ipText(ipBytes(ip))}]:${port}`;
}

/** Value of an attribute like XOR-MAPPED-ADDRESS (RFC 8489 §14.2). */
export function writeXorAddress({ ip, port }: Address, transactionId: Buffer): Buffer {
  const head = Buffer.from([0, familyOf(ip), 0, 0]);
  head.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), 2);
  return Buffer.concat([head, masked(ipBytes(ip), transactionId)]);
}

/** Reads an attribute like XOR-MAPPED-ADDRESS; undefined when it is malformed. */
export function readXorAddress(value: Buffer, transactionId: Buffer): Address | undefined {
  const isWhole =
    (value.length === 8 && value[1] === IPV4) || (value.length === 20 && value[1] === IPV6);
  if (!isWhole) return undefined;
  const port = value.readUInt16BE(2) ^ (MAGIC_COOKIE >>> 16);
  return { ip: ipText(masked(value.subarray(4), transactionId)), port };
}

function masked(ip: Buffer, transactionId: Buffer): Buffer {
  const mask = Buffer.alloc(16);
  mask.writeUInt32BE(MAGIC_COOKIE);
  transactionId.copy(mask, 4);
  return Buffer.from(ip.map((byte, index) => byte ^ mask[index]!));
}

/** The 4 or 16 bytes of an IP address. */
function ipBytes(ip: string): Buffer {
  if (isIPv4(ip)) return Buffer.from(ip.split('.').map(Number));
  const [head = '', tail] = canonicalIpv6(ip).split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(8 - before.length - after.length).fill('0');
  const words = [...before, ...zeros, ...after].map((word) => Number.parseInt(word, 16));
  const bytes = Buffer.alloc(16);
  for (const [index, word] of words.entries()) bytes.writeUInt16BE(word, index * 2);
  return bytes;
}

/** A URL spells an IPv6 address canonically. */
function canonicalIpv6(ip: string): string {
  return new URL(`http://[${ip}]`).hostname.slice(1, -1);
}
