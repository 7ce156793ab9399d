import type { IncomingMessage } from 'node:http';

/**
 * Reads the body of an answer as UTF-8.
 *
 * @throws Error when it is longer than `bytesMax`, or breaks off.
 */
export async function readAnswer(response: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error(`the answer is longer than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
