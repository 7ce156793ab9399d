import { createHash, createHmac } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { MD5 } from './numbers.ts';

const FINGERPRINT_MASK = 0x5354554e;

/** Who asks, and how they prove it. */
export interface Account {
  readonly username: string;
  readonly password: string;
}

/** Key of the long-term credential mechanism (RFC 8489 §9.2.2). */
export function longTermKey(account: Account, realm: string, algorithm: number = MD5): Buffer {
  const text = `${account.username}:${realm}:${account.password}`;
  return createHash(algorithm === MD5 ? 'md5' : 'sha256')
    .update(text)
    .digest();
}

/** Value of USERHASH (RFC 8489 §14.4). */
export function userhash(username: string, realm: string): Buffer {
  return createHash('sha256').update(`${username}:${realm}`).digest();
}

/** Value of MESSAGE-INTEGRITY (RFC 8489 §14.5). */
export function hmacSha1(key: Buffer, message: Buffer): Buffer {
  return createHmac('sha1', key).update(message).digest();
}

/** Value of MESSAGE-INTEGRITY-SHA256 (RFC 8489 §14.6). */
export function hmacSha256(key: Buffer, message: Buffer): Buffer {
  return createHmac('sha256', key).update(message).digest();
}

/** Value of FINGERPRINT (RFC 8489 §14.7). */
export function fingerprint(message: Buffer): Buffer {
  const value = Buffer.alloc(4);
  value.writeUInt32BE((crc32(message) ^ FINGERPRINT_MASK) >>> 0);
  return value;
}
