import { ATTRIBUTES_PER_MESSAGE_MAX } from '../../../src/limits.ts';
import {
  ClientHello,
  hasForgedRecord,
  writeHelloVerifyRequest,
} from '../../../src/net/reactor/secure/client-hello.ts';
import {
  readAlpnProtocols,
  readServerName,
} from '../../../src/net/reactor/secure/hello-extensions.ts';
import { HelloLength } from '../../../src/net/reactor/secure/hello-length.ts';
import { ProxyHeaderReader } from '../../../src/net/shared/proxy-header.ts';
import {
  readErrorCode,
  readPasswordAlgorithms,
  readText,
  readUint32,
  readUnknownAttributes,
  readXorAddress,
} from '../../../src/stun/attributes.ts';
import { verifyIntegrity, verifyIntegritySha256 } from '../../../src/stun/integrity.ts';
import { StunWriter } from '../../../src/stun/message-writer.ts';
import { StunMessage } from '../../../src/stun/message.ts';
import { ATTRIBUTE } from '../../../src/stun/registry.ts';
import { TransportAddress } from '../../../src/stun/transport-address.ts';
import { StreamFramer } from '../../../src/turn/stream-framer.ts';

/**
 * Something that reads bytes of strangers; it throws when it finds them read wrongly.
 *
 * @returns whether they were accepted: only then was there much to read.
 */
export type ParserTarget = (bytes: Uint8Array, length: number) => boolean;

/** Parsers of STUN, of streams, of DTLS and TLS hellos and of PROXY headers, by name. */
export const PARSER_TARGETS = {
  'stun-decode': decodeStun,
  'stun-reencode': reencodeStun,
  'stun-integrity': verifyStun,
  'stream-framer': cutStream,
  'dtls-hello': readDtlsHello,
  'tls-hello': readTlsHello,
  'proxy-header': readProxyHeader,
} as const satisfies Record<string, ParserTarget>;

/** Name of a parser. */
export type ParserName = keyof typeof PARSER_TARGETS;

const KEY = new Uint8Array(16).fill(3);
const COOKIE = new Uint8Array(32);
const TEXT_BYTES_MAX = 763;

const message = new StunMessage(ATTRIBUTES_PER_MESSAGE_MAX);
const again = new StunMessage(ATTRIBUTES_PER_MESSAGE_MAX);
const address = new TransportAddress();
const reencoded = new Uint8Array(8192);
const writer = new StunWriter(reencoded);
const hello = new ClientHello();
const scratch = new Uint8Array(256);

function check(isRight: boolean, problem: string): void {
  if (!isRight) throw new Error(problem);
}

/** Decodes, and reads every attribute as everything that it might be. */
function decodeStun(bytes: Uint8Array, length: number): boolean {
  if (message.decode(bytes, 0, length) !== undefined) {
    check(message.attributeCount === 0, 'attributes of what is no message');
    return false;
  }
  for (let index = 0; index < message.attributeCount; index++) {
    check(message.valueOffset(index) + message.valueLength(index) <= length, 'a value outside');
    readErrorCode(message, index);
    readPasswordAlgorithms(message, index);
    readText(message, index, TEXT_BYTES_MAX);
    readUint32(message, index);
    readUnknownAttributes(message, index);
    if (readXorAddress(message, index, address)) check(address.port <= 0xffff, 'a port too high');
  }
  return true;
}

/** Decodes, writes what was read as a new message, and reads the same out of that. */
function reencodeStun(bytes: Uint8Array, length: number): boolean {
  if (message.decode(bytes, 0, length) !== undefined) return false;
  const { method, messageClass, transactionIdOffset } = message;
  writer.begin(method, messageClass, bytes, transactionIdOffset);
  let count = 0;
  for (; count < message.attributeCount; count++) {
    const type = message.typeAt(count);
    // What comes after these depends on them.
    if (type === ATTRIBUTE.FINGERPRINT || type === ATTRIBUTE.MESSAGE_INTEGRITY) break;
    if (type === ATTRIBUTE.MESSAGE_INTEGRITY_SHA256) break;
    writer.attribute(type, bytes, message.valueOffset(count), message.valueLength(count));
  }
  const end = writer.finish();
  check(again.decode(reencoded, 0, end) === undefined, 'what was written is no message');
  check(again.method === method && again.messageClass === messageClass, 'another type');
  check(again.attributeCount === count, 'another number of attributes');
  for (let index = 0; index < count; index++) {
    check(again.typeAt(index) === message.typeAt(index), 'another attribute');
    check(again.valueLength(index) === message.valueLength(index), 'another length');
  }
  return true;
}

/** No mutant is authentic: nothing in the corpus is signed with this key. */
function verifyStun(bytes: Uint8Array, length: number): boolean {
  if (message.decode(bytes, 0, length) !== undefined) return false;
  check(!verifyIntegrity(message, KEY), 'authentic with a wrong key');
  check(!verifyIntegritySha256(message, KEY), 'authentic with a wrong key, SHA-256');
  return true;
}

/** Cuts a stream that arrives whole, and one that arrives in two chunks: the same frames and the same end. */
function cutStream(bytes: Uint8Array, length: number): boolean {
  const whole = frameLengths(bytes, length, length);
  const half = frameLengths(bytes, length, bytes[length >> 1]! % (length + 1));
  check(whole === half, 'chunks make a difference');
  return whole >= 0;
}

/** A number that differs when frames, their order or the end of the stream do. */
function frameLengths(bytes: Uint8Array, length: number, at: number): number {
  const framer = new StreamFramer();
  let digest = 1;
  let total = 0;
  for (let part = 0; part < 2; part++) {
    const start = part === 0 ? 0 : at;
    framer.push(bytes, start, (part === 0 ? at : length) - start);
    while (framer.next()) {
      check(framer.offset + framer.length <= framer.bytes.length, 'a frame outside');
      total += framer.length;
      digest = (Math.imul(digest, 31) + framer.length) & 0x7fffffff;
    }
  }
  check(framer.isBroken || total + framer.pendingBytes === length, 'bytes lost or made up');
  return framer.isBroken ? ~digest : digest;
}

function readDtlsHello(bytes: Uint8Array, length: number): boolean {
  hasForgedRecord(bytes, 0, length, 37);
  if (!hello.read(bytes, 0, length)) return false;
  check(hello.cookieOffset + hello.cookieLength <= length, 'a cookie outside');
  check(hello.copyRandom().length === 32, 'a short random value');
  const answerBytes = writeHelloVerifyRequest(scratch, 0, hello, COOKIE);
  check(answerBytes <= length + COOKIE.length, 'more than was asked');
  return true;
}

/** The length that is claimed, and the extensions as if they began anywhere. */
function readTlsHello(bytes: Uint8Array, length: number): boolean {
  const isWhole = new HelloLength().admits(bytes, 0, length);
  const inTwo = new HelloLength();
  const at = length >> 1;
  const isHalf = inTwo.admits(bytes, 0, at) && inTwo.admits(bytes, at, length - at);
  check(isWhole === isHalf, 'chunks make a difference');
  const extension = Buffer.from(bytes.buffer, bytes.byteOffset, length);
  readServerName(extension);
  for (const { name, offset } of readAlpnProtocols(extension)) {
    check(offset + name.length <= length, 'a protocol outside');
  }
  return isWhole;
}

/** Reads a header that arrives whole, and one that arrives byte by byte: the same outcome and addresses. */
function readProxyHeader(bytes: Uint8Array, length: number): boolean {
  const whole = new ProxyHeaderReader();
  const outcome = whole.push(bytes, 0, length);
  check(whole.consumed <= length, 'more taken than there is');
  const parts = new ProxyHeaderReader();
  let last: typeof outcome = 'more';
  for (let at = 0; at < length && last === 'more'; at++) last = parts.push(bytes, at, 1);
  check(last === outcome, `${outcome} whole and ${last} in parts`);
  if (outcome !== 'proxied') return outcome === 'local';
  check(whole.source.equals(parts.source), 'another source');
  check(whole.source.port <= 0xffff && whole.destination.port <= 0xffff, 'a port too high');
  return true;
}
