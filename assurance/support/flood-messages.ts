import { StunWriter } from '../../src/stun/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../src/stun/registry.ts';
import { dtlsHello } from '../../test/support/dtls-hello.ts';
import { garbage } from '../../test/support/garbage.ts';
import { TARGET } from './attacked-gateway.ts';

/** What a flood is made of: the same messages again and again, or ones that are all different. */
export type FloodKind = RepeatedKind | 'nonsense';

/** Messages of which there are few. */
export type RepeatedKind =
  | 'binding'
  | 'allocate'
  /** Allocate requests with the nonce of the sender and an integrity that is wrong. */
  | 'badCredential'
  /** Data on a channel that nobody has bound, in the queue of those who have. */
  | 'channelData'
  /** DTLS ClientHello messages without a cookie. */
  | 'dtlsHello'
  /** Success and error responses, and indications. */
  | 'response'
  /** Allocate requests with a nonce that nobody has issued. */
  | 'foreignNonce'
  /** Binding requests with an attribute that nobody knows. */
  | 'unknownAttribute'
  /** What a port meets on the open Internet, requests among it. */
  | 'garbage';

/** What makes the message of a flood that has a number; `nonsense` is nothing that is a request, another for each. */
export function messageMaker(kind: FloodKind): (number: number) => Uint8Array {
  if (kind === 'nonsense') return nonsense;
  const messages = messagesOf(kind);
  return (number) => messages[number % messages.length]!;
}

/** The messages of a flood, as many as it takes to have seen all there are. */
export function messagesOf(kind: RepeatedKind): readonly Uint8Array[] {
  switch (kind) {
    case 'binding':
      return [request(METHOD.BINDING)];
    case 'allocate':
      return [request(METHOD.ALLOCATE, (writer) => transport(writer))];
    case 'badCredential':
    case 'foreignNonce':
      return [badCredential()];
    case 'unknownAttribute':
      return [request(METHOD.BINDING, (writer) => writer.flag(0x7777))];
    case 'channelData':
      return [channelData()];
    case 'dtlsHello':
      return [dtlsHello()];
    case 'response':
      return responses();
    default:
      return manyGarbage();
  }
}

/** Where the random bytes lie that differ from message to message. */
export function variedAt(kind: FloodKind): number | undefined {
  if (kind === 'garbage' || kind === 'nonsense') return undefined;
  return kind === 'dtlsHello' ? 13 + 12 + 2 : 8;
}

/** Bytes of the NONCE value in a message; nonces of the gateway all have this length. */
export const NONCE_BYTES = 29;

const DATA_BYTES = 100;

/** What every NONCE begins with (RFC 8489 §9.2). */
const NONCE_START = 'obMatJos2';

/** Where the NONCE value lies in an answer; undefined when there is none of the usual length. */
export function issuedNonceOffset(answer: Buffer): number | undefined {
  const at = answer.indexOf(NONCE_START);
  return at > 1 && answer.readUInt16BE(at - 2) === NONCE_BYTES ? at : undefined;
}

/** Where the NONCE value lies in a message of the kind `badCredential`. */
export function nonceOffset(message: Uint8Array): number {
  return Buffer.from(message).indexOf(NONCE_PLACE);
}

const NONCE_PLACE = 'n'.repeat(NONCE_BYTES);

function transport(writer: StunWriter): StunWriter {
  return writer.uint8(ATTRIBUTE.REQUESTED_TRANSPORT, 17, 4);
}

function request(method: number, write?: (writer: StunWriter) => unknown): Uint8Array {
  const writer = new StunWriter(new Uint8Array(512));
  writer.begin(method, CLASS.REQUEST, new Uint8Array(12));
  write?.(writer);
  return writer.written();
}

function badCredential(): Uint8Array {
  return request(METHOD.ALLOCATE, (writer) =>
    transport(writer)
      .text(ATTRIBUTE.USERNAME, '9999999999:nobody')
      .text(ATTRIBUTE.REALM, TARGET.realm)
      .text(ATTRIBUTE.NONCE, NONCE_PLACE)
      .attribute(ATTRIBUTE.MESSAGE_INTEGRITY, new Uint8Array(20)),
  );
}

function channelData(): Uint8Array {
  const message = Buffer.alloc(4 + DATA_BYTES);
  message.writeUInt16BE(0x4000);
  message.writeUInt16BE(DATA_BYTES, 2);
  return message;
}

function manyGarbage(): readonly Uint8Array[] {
  return Array.from({ length: 9 * 29 }, (_, number) => garbage(number));
}

/** A request loses its end. */
function nonsense(number: number): Uint8Array {
  const bytes = garbage(number);
  return isRequest(Buffer.from(bytes)) ? bytes.subarray(0, -1) : bytes;
}

/** Told by RFC 8489 §5 alone, so that a reader that takes too much for a request is found out. */
function isRequest(bytes: Buffer): boolean {
  if (bytes.length < 20 || (bytes.readUInt16BE() & 0xc110) !== 0) return false;
  if (bytes.readUInt32BE(4) !== 0x2112a442 || bytes.readUInt16BE(2) !== bytes.length - 20) {
    return false;
  }
  let at = 20;
  while (at + 4 <= bytes.length) at += 4 + ((bytes.readUInt16BE(at + 2) + 3) & ~3);
  return at === bytes.length;
}

const RESPONSE_METHODS = [
  METHOD.BINDING,
  METHOD.ALLOCATE,
  METHOD.REFRESH,
  METHOD.CREATE_PERMISSION,
  METHOD.CHANNEL_BIND,
];

function responses(): readonly Uint8Array[] {
  return RESPONSE_METHODS.flatMap((method) =>
    [CLASS.SUCCESS, CLASS.ERROR, CLASS.INDICATION].map((messageClass) => {
      const writer = new StunWriter(new Uint8Array(512));
      writer.begin(method, messageClass, new Uint8Array(12));
      if (messageClass === CLASS.ERROR) writer.errorCode(401).text(ATTRIBUTE.REALM, TARGET.realm);
      return writer.written();
    }),
  );
}
