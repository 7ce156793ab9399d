import { randomBytes } from 'node:crypto';

const HEADER = '16feff000000000000000000870100007b000000000000007bfefd';
const REST =
  '00000004c02b00ff0100004d0000001500130000107475726e2e6578616d706c652e6f7267000b00040300' +
  '0102000a00040002001d002300000010000c000a097374756e2e7475726e0016000000170000000d000400020403';

/** A DTLS ClientHello without a cookie, as OpenSSL sends it, each with its own random value. */
export function dtlsHello(): Buffer {
  return Buffer.concat([Buffer.from(HEADER, 'hex'), randomBytes(32), Buffer.from(REST, 'hex')]);
}

/** The same with a cookie that no server has issued. */
export function dtlsHelloWithCookie(cookie: Uint8Array): Buffer {
  const plain = dtlsHello();
  const afterSession = 13 + 12 + 2 + 32 + 1;
  const hello = Buffer.concat([
    plain.subarray(0, afterSession),
    Buffer.from([cookie.length]),
    cookie,
    plain.subarray(afterSession + 1),
  ]);
  hello.writeUInt16BE(hello.length - 13, 11);
  hello.writeUIntBE(hello.length - 25, 14, 3);
  hello.writeUIntBE(hello.length - 25, 22, 3);
  return hello;
}
