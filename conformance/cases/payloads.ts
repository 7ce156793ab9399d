/** Sizes of payloads that are worth a case of their own: around the padding, and beyond a byte. */
export const SIZES: readonly number[] = [0, 1, 2, 3, 4, 5, 255, 1200];

/** Bytes that are all different as long as they can be. */
export function counting(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => index & 0xff));
}
