import { int32At, paddedLength, uint16At } from './big-endian.ts';
import type { StunMessage } from './message.ts';
import { MAGIC_COOKIE } from './registry.ts';
import { IPV4, IPV6, type TransportAddress } from './transport-address.ts';

/** The value of an ERROR-CODE attribute. */
export interface ErrorCode {
  /** 300 to 699. */
  readonly code: number;
  readonly reason: string;
}

/** One entry of PASSWORD-ALGORITHM or PASSWORD-ALGORITHMS. */
export interface PasswordAlgorithmEntry {
  /** A value of `PASSWORD_ALGORITHM`, or an unknown one. */
  readonly number: number;
  /** Parameters without padding; a view, borrowed from the message. */
  readonly parameters: Uint8Array;
}

/**
 * Reads an 8-bit number from the first byte of a value; the other bytes are reserved and ignored.
 *
 * @param index - of the attribute; -1 is allowed and yields undefined, here and in every reader of this file.
 * @param valueBytes - exact length of the whole value, for example 4 for REQUESTED-TRANSPORT.
 * @returns undefined when the value has another length.
 */
export function readUint8(message: StunMessage, index: number, valueBytes = 1): number | undefined {
  if (message.valueLength(index) !== valueBytes) return undefined;
  return message.bytes[message.valueOffset(index)];
}

/**
 * Reads a 16-bit number from the first two bytes of a value; the other bytes are reserved and ignored.
 *
 * @param valueBytes - exact length of the whole value, for example 4 for CHANNEL-NUMBER.
 * @returns undefined when the value has another length.
 */
export function readUint16(
  message: StunMessage,
  index: number,
  valueBytes = 2,
): number | undefined {
  if (message.valueLength(index) !== valueBytes) return undefined;
  return uint16At(message.bytes, message.valueOffset(index));
}

/** Reads an unsigned 32-bit number; undefined when the value is not 4 bytes long. */
export function readUint32(message: StunMessage, index: number): number | undefined {
  if (message.valueLength(index) !== 4) return undefined;
  return int32At(message.bytes, message.valueOffset(index)) >>> 0;
}

/** A view of the value without padding, borrowed from the message; undefined when there is no such attribute. */
export function readBytes(message: StunMessage, index: number): Uint8Array | undefined {
  const length = message.valueLength(index);
  if (length < 0) return undefined;
  const start = message.valueOffset(index);
  return message.bytes.subarray(start, start + length);
}

/**
 * Reads a UTF-8 text.
 *
 * @returns undefined when the value is longer than `maxBytes` or not valid UTF-8; nothing is truncated or replaced.
 */
export function readText(
  message: StunMessage,
  index: number,
  maxBytes: number,
): string | undefined {
  const value = readBytes(message, index);
  return value === undefined || value.length > maxBytes ? undefined : decodeUtf8(value);
}

/**
 * Reads an address written like MAPPED-ADDRESS.
 *
 * @param into - receives the address; unchanged on failure.
 * @returns false when family and length of the value do not agree.
 * @see RFC 8489 §14.1
 */
export function readAddress(message: StunMessage, index: number, into: TransportAddress): boolean {
  const { bytes } = message;
  const at = message.valueOffset(index);
  switch (addressFamily(message, index)) {
    case IPV4:
      into.setIpv4(int32At(bytes, at + 4), uint16At(bytes, at + 2));
      return true;
    case IPV6:
      into.setIpv6(
        int32At(bytes, at + 4),
        int32At(bytes, at + 8),
        int32At(bytes, at + 12),
        int32At(bytes, at + 16),
        uint16At(bytes, at + 2),
      );
      return true;
    default:
      return false;
  }
}

/**
 * Reads an address written like XOR-MAPPED-ADDRESS.
 *
 * @param into - receives the address; unchanged on failure.
 * @returns false when family and length of the value do not agree.
 * @see RFC 8489 §14.2
 */
export function readXorAddress(
  message: StunMessage,
  index: number,
  into: TransportAddress,
): boolean {
  if (!readAddress(message, index, into)) return false;
  into.port ^= MAGIC_COOKIE >>> 16;
  into.word0 ^= MAGIC_COOKIE;
  if (into.family === IPV6) {
    const at = message.transactionIdOffset;
    into.word1 ^= int32At(message.bytes, at);
    into.word2 ^= int32At(message.bytes, at + 4);
    into.word3 ^= int32At(message.bytes, at + 8);
  }
  return true;
}

/**
 * Reads ERROR-CODE.
 *
 * @returns undefined when the class is not 3 to 6, the number above 99, or the reason not UTF-8.
 * @see RFC 8489 §14.8
 */
export function readErrorCode(message: StunMessage, index: number): ErrorCode | undefined {
  const value = readBytes(message, index);
  if (value === undefined || value.length < 4) return undefined;
  const hundreds = value[2]! & 0b111;
  const number = value[3]!;
  const reason = decodeUtf8(value.subarray(4));
  if (hundreds < 3 || hundreds > 6 || number > 99 || reason === undefined) return undefined;
  return { code: hundreds * 100 + number, reason };
}

/** Reads the types listed in UNKNOWN-ATTRIBUTES (RFC 8489 §14.13); undefined when the length is odd. */
export function readUnknownAttributes(message: StunMessage, index: number): number[] | undefined {
  const value = readBytes(message, index);
  if (value === undefined || value.length % 2 !== 0) return undefined;
  return Array.from({ length: value.length / 2 }, (_, entry) => uint16At(value, entry * 2));
}

/**
 * Reads PASSWORD-ALGORITHMS, or PASSWORD-ALGORITHM as a list of one.
 *
 * @returns at least one entry in order of appearance; undefined when an entry is cut off or there is none.
 * @see RFC 8489 §14.11, §14.12
 */
export function readPasswordAlgorithms(
  message: StunMessage,
  index: number,
): PasswordAlgorithmEntry[] | undefined {
  const value = readBytes(message, index);
  if (value === undefined || value.length === 0) return undefined;
  const entries: PasswordAlgorithmEntry[] = [];
  for (let at = 0; at < value.length;) {
    if (at + 4 > value.length) return undefined;
    const start = at + 4;
    const length = uint16At(value, at + 2);
    if (start + length > value.length) return undefined;
    const parameters = value.subarray(start, start + length);
    entries.push({ number: uint16At(value, at), parameters });
    at = start + paddedLength(length);
  }
  return entries;
}

/** The family of an address attribute when its length agrees with it, else 0. */
function addressFamily(message: StunMessage, index: number): number {
  const length = message.valueLength(index);
  if (length !== 8 && length !== 20) return 0;
  const family = message.bytes[message.valueOffset(index) + 1];
  return family === (length === 8 ? IPV4 : IPV6) ? family : 0;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return STRICT_UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

// ignoreBOM keeps a leading U+FEFF, which is part of the text and of what keys are made of.
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
