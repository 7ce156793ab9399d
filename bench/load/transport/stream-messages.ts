import { StreamFramer } from '../../../src/turn/stream-framer.ts';
import type { MessageHandler } from './transport.ts';

/** Cuts what a stream brings into messages. */
export class StreamMessages {
  readonly #framer = new StreamFramer();

  /** Takes the next bytes and hands over the messages that are complete. */
  push(bytes: Uint8Array, offset: number, length: number, take: MessageHandler): void {
    const framer = this.#framer;
    framer.push(bytes, offset, length);
    while (framer.next()) take(framer.bytes, framer.offset, framer.length, 0);
    if (framer.isBroken) throw new Error('the server sent what is no message');
  }
}
