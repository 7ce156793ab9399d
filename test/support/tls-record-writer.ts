import { createCipheriv, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import type { ServerAddress } from './turn-transport.ts';

const CIPHER = 'ECDHE-ECDSA-AES128-GCM-SHA256';
const CHANGE_CIPHER_SPEC = 20;
const HEADER_BYTES = 5;
const RANDOM_OFFSET = HEADER_BYTES + 6;
const RANDOM_BYTES = 32;
const KEY_BYTES = 16;
const SALT_BYTES = 4;

/** A connection of TLS 1.2 with AES-128-GCM on which records of any content can be sent, as no library would. */
export interface HandWrittenTls {
  /** Carries the ciphertext. */
  readonly plain: Socket;
  /** Says what is well-formed; silent once `encrypt` was called. */
  readonly secure: TLSSocket;
  /** The next record of the client (RFC 5246 §6.2.3.3, RFC 5288 §3). */
  readonly encrypt: (contentType: number, content: Uint8Array) => Buffer;
}

/** Opens a connection; the certificate of the server, an ECDSA one, is not looked at. */
export async function openHandWrittenTls(server: ServerAddress): Promise<HandWrittenTls> {
  const plain = connectPlain({ ...server, noDelay: true });
  plain.on('error', () => undefined);
  await once(plain, 'connect');
  const [fromClient, fromServer] = [new RecordWatcher(), new RecordWatcher()];
  const middle = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      fromClient.push(chunk);
      plain.write(chunk, done);
    },
  });
  plain.on('data', (chunk: Buffer) => {
    fromServer.push(chunk);
    middle.push(chunk);
  });
  const version = 'TLSv1.2';
  const secure = connect({
    socket: middle,
    rejectUnauthorized: false,
    minVersion: version,
    maxVersion: version,
    ciphers: CIPHER,
  });
  secure.on('error', () => undefined);
  const secrets = masterSecret(secure);
  await once(secure, 'secureConnect');
  const seed = Buffer.concat([fromServer.random, fromClient.random]);
  const keys = expand(await secrets, 'key expansion', seed, 2 * (KEY_BYTES + SALT_BYTES));
  const key = keys.subarray(0, KEY_BYTES);
  const salt = keys.subarray(2 * KEY_BYTES, 2 * KEY_BYTES + SALT_BYTES);
  return {
    plain,
    secure,
    encrypt: (contentType, content) =>
      encryptRecord(key, salt, fromClient.encryptedRecords++, contentType, content),
  };
}

/** Follows the records of one direction. */
class RecordWatcher {
  encryptedRecords = 0;
  /** Of the first hello. */
  random = Buffer.alloc(0);
  #rest = Buffer.alloc(0);
  #isEncrypted = false;

  push(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + this.#rest.readUInt16BE(3);
      if (this.#rest.length < end) return;
      this.#note(this.#rest.subarray(0, end));
      this.#rest = this.#rest.subarray(end);
    }
  }

  #note(record: Buffer): void {
    if (this.random.length === 0) {
      this.random = Buffer.from(record.subarray(RANDOM_OFFSET, RANDOM_OFFSET + RANDOM_BYTES));
    }
    if (this.#isEncrypted) this.encryptedRecords++;
    if (record[0] === CHANGE_CIPHER_SPEC) this.#isEncrypted = true;
  }
}

/** From the line of the key log `CLIENT_RANDOM <random> <master secret>`. */
async function masterSecret(secure: TLSSocket): Promise<Buffer> {
  const [line] = (await once(secure, 'keylog')) as [Buffer];
  return Buffer.from(line.toString().trim().split(' ')[2]!, 'hex');
}

/** The pseudorandom function with SHA-256 (RFC 5246 §5). */
function expand(secret: Buffer, label: string, random: Buffer, length: number): Buffer {
  const hmac = (data: Buffer): Buffer => createHmac('sha256', secret).update(data).digest();
  const seed = Buffer.concat([Buffer.from(label), random]);
  const blocks: Buffer[] = [];
  for (let a = hmac(seed); blocks.length * 32 < length; a = hmac(a)) {
    blocks.push(hmac(Buffer.concat([a, seed])));
  }
  return Buffer.concat(blocks);
}

function encryptRecord(
  key: Buffer,
  salt: Buffer,
  sequenceNumber: number,
  contentType: number,
  content: Uint8Array,
): Buffer {
  const nonce = Buffer.alloc(8);
  nonce.writeBigUInt64BE(BigInt(sequenceNumber));
  const header = (length: number): Buffer => {
    const bytes = Buffer.of(contentType, 3, 3, 0, 0);
    bytes.writeUInt16BE(length, 3);
    return bytes;
  };
  const cipher = createCipheriv('aes-128-gcm', key, Buffer.concat([salt, nonce]));
  cipher.setAAD(Buffer.concat([nonce, header(content.length)]));
  const body = [nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat([header(8 + content.length + 16), ...body]);
}
