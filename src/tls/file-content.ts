import { open } from 'node:fs/promises';
import { errorText, GatewayError } from '../errors.ts';

/** What a file holds, or what the configuration holds in its place. */
export interface Content {
  /** What messages call it: a path, or where it is in the configuration. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Whether users that are neither its owner nor in its group may read it. */
  readonly isReadableByOthers: boolean;
}

const REASON_BY_CODE: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'is a folder, not a file',
  ELOOP: 'is a symbolic link to itself',
};
const READABLE_BY_OTHERS = 0o004;

/** Reads a file; throws GatewayError GW_ERR_CERTIFICATE with the path and the reason when that is impossible. */
export async function readContent(path: string): Promise<Content> {
  try {
    await using file = await open(path);
    const { mode } = await file.stat();
    const isReadableByOthers = (mode & READABLE_BY_OTHERS) !== 0;
    return { name: path, bytes: await file.readFile(), isReadableByOthers };
  } catch (error) {
    const { code = 'cannot be read' } = error as NodeJS.ErrnoException;
    const detail = `${path}: ${REASON_BY_CODE[code] ?? code}`;
    throw new GatewayError('GW_ERR_CERTIFICATE', detail, { cause: error });
  }
}

/** Text that is in no file. */
export function textContent(name: string, text: string): Content {
  return { name, bytes: Buffer.from(text), isReadableByOthers: false };
}

/** A GW_ERR_CERTIFICATE that names the content and says what is wrong with it, and why when there is a cause. */
export function contentError({ name }: Content, reason: string, cause?: unknown): GatewayError {
  const detail = cause === undefined ? '' : ` (${errorText(cause)})`;
  return new GatewayError('GW_ERR_CERTIFICATE', `${name}: ${reason}${detail}`, { cause });
}
