import { writeXorAddress, type Address } from './address.ts';
import { ATTRIBUTE, PROTOCOL_UDP } from './numbers.ts';

/** An attribute to be written. */
export interface Attribute {
  readonly type: number;
  /** What depends on the transaction ID is made when that is known. */
  readonly value: Buffer | ((transactionId: Buffer) => Buffer);
  /** The byte that it is padded with; 0 unless given. */
  readonly padding?: number;
}

/** An attribute of bytes or text, empty unless given. */
export function attribute(
  type: number,
  value: Buffer | string | readonly number[] = [],
): Attribute {
  return { type, value: typeof value === 'string' ? Buffer.from(value) : Buffer.from(value) };
}

/** LIFETIME, seconds. */
export function lifetime(seconds: number): Attribute {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(seconds);
  return { type: ATTRIBUTE.LIFETIME, value };
}

/** REQUESTED-TRANSPORT. */
export function requestedTransport(protocol: number = PROTOCOL_UDP): Attribute {
  return attribute(ATTRIBUTE.REQUESTED_TRANSPORT, [protocol, 0, 0, 0]);
}

/** REQUESTED-ADDRESS-FAMILY. */
export function requestedFamily(family: number): Attribute {
  return attribute(ATTRIBUTE.REQUESTED_ADDRESS_FAMILY, [family, 0, 0, 0]);
}

/** ADDITIONAL-ADDRESS-FAMILY. */
export function additionalFamily(family: number): Attribute {
  return attribute(ATTRIBUTE.ADDITIONAL_ADDRESS_FAMILY, [family, 0, 0, 0]);
}

/** EVEN-PORT, with or without the bit that reserves the next port. */
export function evenPort(reservesNext: boolean): Attribute {
  return attribute(ATTRIBUTE.EVEN_PORT, [reservesNext ? 0x80 : 0]);
}

/** XOR-PEER-ADDRESS. */
export function xorPeerAddress(peer: Address): Attribute {
  return { type: ATTRIBUTE.XOR_PEER_ADDRESS, value: (id) => writeXorAddress(peer, id) };
}

/** CHANNEL-NUMBER; the last two bytes are reserved. */
export function channelNumber(number: number, reserved = 0): Attribute {
  const value = Buffer.alloc(4);
  value.writeUInt16BE(number);
  value.writeUInt16BE(reserved, 2);
  return { type: ATTRIBUTE.CHANNEL_NUMBER, value };
}

/** DATA. */
export function data(payload: Buffer | string): Attribute {
  return attribute(ATTRIBUTE.DATA, payload);
}

/** One entry of PASSWORD-ALGORITHMS, which is all of PASSWORD-ALGORITHM. */
export function algorithmEntry(algorithm: number, parameters: readonly number[] = []): Buffer {
  const value = Buffer.alloc(4 + parameters.length);
  value.writeUInt16BE(algorithm);
  value.writeUInt16BE(parameters.length, 2);
  Buffer.from(parameters).copy(value, 4);
  return value;
}

/** PASSWORD-ALGORITHM. */
export function passwordAlgorithm(algorithm: number): Attribute {
  return attribute(ATTRIBUTE.PASSWORD_ALGORITHM, algorithmEntry(algorithm));
}
