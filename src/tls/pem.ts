import type { X509Certificate } from 'node:crypto';

/** One block of a PEM text (RFC 7468 §2). */
export interface PemBlock {
  /** What it says it holds, such as `CERTIFICATE`. */
  readonly label: string;
  /** The whole block with its first and last line. */
  readonly text: string;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/**
 * Reads PEM, or base64 of PEM as Kubernetes and STUNner write it.
 *
 * @returns the blocks in their order; none when it is neither.
 * @throws RangeError when a block has no end, as in a file that is being written.
 */
export function pemBlocks(content: Uint8Array): readonly PemBlock[] {
  const text = Buffer.from(content).toString('latin1');
  const blocks = blocksOf(text);
  return blocks.length > 0 ? blocks : blocksOf(Buffer.from(text, 'base64').toString('latin1'));
}

/** The PEM of a certificate, whatever Node.js ends it with. */
export function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString().trimEnd()}\n`;
}

function blocksOf(text: string): PemBlock[] {
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length !== [...text.matchAll(/-----BEGIN /g)].length) {
    throw new RangeError('a PEM block has no end');
  }
  return blocks.map(([block, label = '']) => ({ label, text: `${block}\n` }));
}
