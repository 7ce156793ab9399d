import { loadLibc } from '../../../sys/libc.ts';
import { loadOpenSsl } from '../../../sys/openssl.ts';

const SCRATCH_BYTES = 32 * 1024;
let scratch: { readonly bytes: Buffer; readonly address: number } | undefined;

/** A few kilobytes of this thread that OpenSSL can write to; whoever calls next overwrites them. */
export function scratchMemory(): { readonly bytes: Buffer; readonly address: number } {
  scratch ??= allocate(SCRATCH_BYTES);
  return scratch;
}

/** Memory that OpenSSL can read: a copy of `content`, to be kept referenced for the length of the call. */
export function nativeCopy(content: string | Uint8Array): {
  readonly address: number;
  readonly bytes: Buffer;
} {
  const source = Buffer.from(content);
  const copy = allocate(Math.max(1, source.length));
  source.copy(copy.bytes);
  return copy;
}

/** Copies bytes at a native address into the scratch memory and returns them; undefined when they do not fit. */
export function readNative(address: number, length: number): Buffer | undefined {
  const { bytes, address: target } = scratchMemory();
  if (length < 0 || length > bytes.length) return undefined;
  if (length > 0) loadOpenSsl().memcpy(target, address, length);
  return bytes.subarray(0, length);
}

function allocate(byteLength: number): { readonly bytes: Buffer; readonly address: number } {
  const memory = new ArrayBuffer(byteLength);
  return { bytes: Buffer.from(memory), address: loadLibc().addressOf(memory) };
}
