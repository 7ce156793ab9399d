import { longTermKey } from '../../../src/stun/integrity.ts';
import { StunWriter } from '../../../src/stun/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD, type PasswordAlgorithm } from '../../../src/stun/registry.ts';
import type { AddressFamily, TransportAddress } from '../../../src/stun/transport-address.ts';
import {
  CHANNEL_DATA_HEADER_BYTES,
  writeChannelDataHeader,
} from '../../../src/turn/channel-data.ts';
import { CREDENTIAL } from '../../settings.ts';

const MESSAGE_BYTES_MAX = 2048;
const PROTOCOL_UDP = 17;
const TRANSACTION_ID = new Uint8Array(12).fill(0xa5);

/** Adds the attributes of a request. */
export type WriteAttributes = (writer: StunWriter) => unknown;

/** How a request is signed. */
export interface Signature {
  readonly nonce: string;
  /** MD5 signs as clients do that know RFC 5389 only; SHA-256 names its algorithm and signs with HMAC-SHA256. */
  readonly algorithm: PasswordAlgorithm;
  readonly hasFingerprint: boolean;
  readonly username?: string;
  readonly password?: string;
}

/** A request without a credential. */
export function unsignedRequest(method: number, write: WriteAttributes): Uint8Array {
  const writer = new StunWriter(new Uint8Array(MESSAGE_BYTES_MAX));
  write(writer.begin(method, CLASS.REQUEST, TRANSACTION_ID));
  return writer.written();
}

/** A request with a long-term credential, that of the bench unless another is given. */
export function signedRequest(
  method: number,
  write: WriteAttributes,
  signature: Signature,
): Uint8Array {
  const { nonce, algorithm, hasFingerprint } = signature;
  const { username = CREDENTIAL.username, password = CREDENTIAL.password } = signature;
  const { realm } = CREDENTIAL;
  const key = longTermKey(username, realm, password, algorithm);
  const writer = new StunWriter(new Uint8Array(MESSAGE_BYTES_MAX));
  write(writer.begin(method, CLASS.REQUEST, TRANSACTION_ID));
  writer.text(ATTRIBUTE.USERNAME, username);
  writer.text(ATTRIBUTE.REALM, realm);
  writer.text(ATTRIBUTE.NONCE, nonce);
  if (algorithm === 'MD5') {
    writer.integrity(key);
  } else {
    writer.passwordAlgorithms(['SHA-256', 'MD5']).passwordAlgorithm(algorithm);
    writer.integritySha256(key);
  }
  if (hasFingerprint) writer.fingerprint();
  return writer.written();
}

/** The attributes of an Allocate request for one family. */
export function allocateFor(family: AddressFamily): WriteAttributes {
  return (writer) =>
    writer
      .uint8(ATTRIBUTE.REQUESTED_TRANSPORT, PROTOCOL_UDP, 4)
      .uint8(ATTRIBUTE.REQUESTED_ADDRESS_FAMILY, family, 4);
}

/** The attributes of a CreatePermission request. */
export function permissionFor(peer: TransportAddress): WriteAttributes {
  return (writer) => writer.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer);
}

/** The attributes of a ChannelBind request. */
export function channelFor(channelNumber: number, peer: TransportAddress): WriteAttributes {
  return (writer) =>
    writer
      .uint16(ATTRIBUTE.CHANNEL_NUMBER, channelNumber, 4)
      .xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer);
}

/** ChannelData with that many bytes of data. */
export function channelData(channelNumber: number, payloadBytes: number): Uint8Array {
  const bytes = new Uint8Array(CHANNEL_DATA_HEADER_BYTES + payloadBytes);
  writeChannelDataHeader(bytes, 0, channelNumber, payloadBytes);
  return bytes;
}

/** A Send indication with that many bytes of data. */
export function sendIndication(peer: TransportAddress, payloadBytes: number): Uint8Array {
  return new StunWriter(new Uint8Array(MESSAGE_BYTES_MAX))
    .begin(METHOD.SEND, CLASS.INDICATION, TRANSACTION_ID)
    .xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer)
    .attribute(ATTRIBUTE.DATA, new Uint8Array(payloadBytes))
    .written();
}
