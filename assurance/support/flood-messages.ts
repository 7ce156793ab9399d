import { StunWriter } from '../../src/stun/message-writer.ts';
import { StunMessage } from '../../src/stun/message.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../src/stun/registry.ts';
import { dtlsHello } from '../../test/support/dtls-hello.ts';
import { garbage } from '../../test/support/garbage.ts';
import { TARGET } from './attacked-gateway.ts';

/** What a flood is made of. */
export type FloodKind =
  | 'binding'
  | 'allocate'
  /** Allocate requests with the nonce of the sender and an integrity that is wrong. */
  | 'badCredential'
  /** DTLS ClientHello messages without a cookie. */
  | 'dtlsHello'
  /** Success and error responses, and indications. */
  | 'response'
  /** Nothing that is a request, whole or in part. */
  | 'nonsense'
  /** Allocate requests with a nonce that nobody has issued. */
  | 'foreignNonce'
  /** Binding requests with an attribute that nobody knows. */
  | 'unknownAttribute'
  /** What a port meets on the open Internet, requests among it. */
  | 'garbage';

/** The messages of a flood, as many as it takes to have seen all there are. */
export function messagesOf(kind: FloodKind): readonly Uint8Array[] {
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
    case 'nonsense':
      return manyGarbage().filter((bytes) => !isWholeRequest(bytes));
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

function manyGarbage(): readonly Uint8Array[] {
  return Array.from({ length: 9 * 29 }, (_, number) => garbage(number));
}

function isWholeRequest(bytes: Uint8Array): boolean {
  const message = new StunMessage();
  const isStun = message.decode(bytes, 0, bytes.length) === undefined;
  return isStun && message.messageClass === CLASS.REQUEST;
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
