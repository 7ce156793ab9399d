import { getAsset } from 'node:sea';

/** In the place of `node:fs/promises` where a package reads a file of its own. */
export async function readFile(path: string): Promise<Buffer> {
  return Buffer.from(getAsset(path));
}
