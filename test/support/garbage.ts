import { createHash } from 'node:crypto';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD } from '../../src/stun/registry.ts';

/** What a TURN port meets on the open Internet; the same bytes for the same `number`. */
export function garbage(number: number): Uint8Array {
  const noise = noiseOf(number);
  return MAKERS[number % MAKERS.length]!(noise);
}

const TLS_CLIENT_HELLO_START = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
const DTLS_CLIENT_HELLO_START = [0x16, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x01];

const MAKERS: readonly ((noise: Buffer) => Uint8Array)[] = [
  (noise) => noise,
  (noise) => noise.subarray(0, noise[0]! % 8),
  (noise) => Buffer.from(`GET /${noise.toString('hex')} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
  (noise) => Buffer.concat([Buffer.from(TLS_CLIENT_HELLO_START), noise]),
  (noise) => Buffer.concat([Buffer.from(DTLS_CLIENT_HELLO_START), noise]),
  halfStunMessage,
  stunWithNoise,
  allocateWithForgedIntegrity,
  // ChannelData on a channel that nobody bound, with a length beyond its end.
  (noise) => Buffer.concat([Buffer.from([0x40, noise[0]!, 0xff, noise[1]!]), noise]),
];

function noiseOf(number: number): Buffer {
  return createHash('sha512').update(`${number}`).digest();
}

function halfStunMessage(noise: Buffer): Uint8Array {
  const message = allocateWithForgedIntegrity(noise);
  return message.subarray(0, 1 + (noise[0]! % (message.length - 1)));
}

function stunWithNoise(noise: Buffer): Uint8Array {
  const message = Buffer.from(allocateWithForgedIntegrity(noise));
  noise.copy(message, 20, 0, 16);
  return message;
}

function allocateWithForgedIntegrity(noise: Buffer): Uint8Array {
  return new StunWriter(new Uint8Array(512))
    .begin(METHOD.ALLOCATE, CLASS.REQUEST, noise)
    .uint8(ATTRIBUTE.REQUESTED_TRANSPORT, 17, 4)
    .attribute(ATTRIBUTE.USERNAME, noise.subarray(0, 20))
    .text(ATTRIBUTE.REALM, 'example.org')
    .attribute(ATTRIBUTE.NONCE, noise)
    .integrity(noise.subarray(0, 16))
    .fingerprint()
    .written();
}
