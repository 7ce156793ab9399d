import { STREAM_READ_BYTES, type PacketMemory } from './packet-memory.ts';
import type { StreamOutput } from './stream-output.ts';

/**
 * Messages for one stream client that follow each other within a turn of the loop: they leave with one system call,
 * when another client has its turn, or the turn ends.
 */
export class GatheredWrites {
  readonly #memory: PacketMemory;
  #output: StreamOutput | undefined;
  #length = 0;

  constructor(memory: PacketMemory) {
    this.#memory = memory;
  }

  /** Adds a copy of bytes of the arena, at most 64 KiB. */
  add(output: StreamOutput, offset: number, length: number): void {
    const { arena } = this.#memory;
    arena.bytes.copyWithin(this.#place(output, length), offset, offset + length);
  }

  /** Adds a copy of bytes from elsewhere. */
  addCopy(output: StreamOutput, bytes: Uint8Array): void {
    this.#memory.arena.bytes.set(bytes, this.#place(output, bytes.length));
  }

  /** Hands what was added to its socket. */
  flush(): void {
    const output = this.#output;
    if (output === undefined) return;
    const length = this.#length;
    this.#output = undefined;
    this.#length = 0;
    output.send(this.#memory.gatheredOffset, length);
  }

  /** Returns where the next bytes belong. */
  #place(output: StreamOutput, length: number): number {
    if (this.#output !== output || this.#length + length > STREAM_READ_BYTES) {
      this.flush();
      this.#output = output;
    }
    const place = this.#memory.gatheredOffset + this.#length;
    this.#length += length;
    return place;
  }
}
