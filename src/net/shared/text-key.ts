import { sha256 } from '../../stun/integrity.ts';

/** What stands for a text in shared memory: 64 bits of its SHA-256. */
export interface TextKey {
  readonly high: number;
  readonly low: number;
}

/** The key of a text. */
export function keyOf(text: string): TextKey {
  const digest = Buffer.from(sha256(text));
  return { high: digest.readInt32BE(0), low: digest.readInt32BE(4) };
}
