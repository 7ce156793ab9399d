const CHUNK_BYTES = 16 * 1024;

/** Bytes that a slow connection has not taken yet, oldest first, kept in chunks that many small messages share. */
export class WriteBacklog {
  /** Bytes waiting. */
  byteLength = 0;
  #chunks: Uint8Array[] = [];
  /** Bytes of the first chunk that are gone already. */
  #consumed = 0;
  /** Bytes of the last chunk that are filled. */
  #filled = CHUNK_BYTES;

  get isEmpty(): boolean {
    return this.byteLength === 0;
  }

  /** Appends a copy of `bytes`. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#filled === CHUNK_BYTES) {
        this.#chunks.push(new Uint8Array(CHUNK_BYTES));
        this.#filled = 0;
      }
      const piece = bytes.subarray(at, at + CHUNK_BYTES - this.#filled);
      this.#chunks.at(-1)!.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
    }
    this.byteLength += bytes.length;
  }

  /** Copies the oldest bytes, at most `max`, into `into` at `offset`, and returns how many; they stay. */
  peek(into: Uint8Array, offset: number, max: number): number {
    const wanted = Math.min(max, this.byteLength);
    let copied = 0;
    let skip = this.#consumed;
    for (const chunk of this.#chunks) {
      if (copied === wanted) break;
      const piece = chunk.subarray(skip, skip + wanted - copied);
      into.set(piece, offset + copied);
      copied += piece.length;
      skip = 0;
    }
    return copied;
  }

  /** Forgets the oldest `count` bytes, of those that wait. */
  discard(count: number): void {
    this.byteLength -= count;
    if (this.byteLength === 0) {
      this.clear();
      return;
    }
    this.#consumed += count;
    const whole = Math.floor(this.#consumed / CHUNK_BYTES);
    this.#chunks.splice(0, whole);
    this.#consumed -= whole * CHUNK_BYTES;
  }

  /** Forgets everything. */
  clear(): void {
    this.byteLength = 0;
    this.#chunks = [];
    this.#consumed = 0;
    this.#filled = CHUNK_BYTES;
  }
}
