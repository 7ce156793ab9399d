/** Bytes that a slow connection has not taken yet, oldest first. */
export class WriteBacklog {
  /** Bytes waiting. */
  byteLength = 0;
  #chunks: Uint8Array[] = [];
  /** Bytes of the first chunk that are gone already. */
  #consumed = 0;

  /** True when nothing waits. */
  get isEmpty(): boolean {
    return this.byteLength === 0;
  }

  /** Appends a copy of `bytes`. */
  push(bytes: Uint8Array): void {
    // `slice` of a Buffer would not copy.
    this.#chunks.push(new Uint8Array(bytes));
    this.byteLength += bytes.length;
  }

  /** Copies the oldest bytes, at most `max`, into `into` at `offset`, and returns how many; they stay. */
  peek(into: Uint8Array, offset: number, max: number): number {
    let copied = 0;
    let skip = this.#consumed;
    for (const chunk of this.#chunks) {
      const piece = chunk.subarray(skip, skip + max - copied);
      into.set(piece, offset + copied);
      copied += piece.length;
      skip = 0;
      if (copied === max) break;
    }
    return copied;
  }

  /** Forgets the oldest `count` bytes. */
  discard(count: number): void {
    this.byteLength -= count;
    this.#consumed += count;
    let whole = 0;
    for (; whole < this.#chunks.length; whole++) {
      const { length } = this.#chunks[whole]!;
      if (this.#consumed < length) break;
      this.#consumed -= length;
    }
    this.#chunks.splice(0, whole);
  }
}
