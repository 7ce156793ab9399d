const RECORD_HEADER_BYTES = 5;
/** Type and length of a handshake message (RFC 8446 §4). */
const MESSAGE_HEADER_BYTES = 4;
/** Post-quantum key shares and a few hundred extensions fit many times over. */
const HELLO_BYTES_MAX = 16 * 1024;

/**
 * Looks at how long a TLS ClientHello claims to be: OpenSSL takes the memory for it, up to 128 KiB, as soon as it has
 * read the header, which may come in records of any length.
 */
export class HelloLength {
  /** The last four bytes of messages that were seen: type and length, once there are four. */
  #messageHeader = 0;
  #messageBytes = 0;
  #recordHeaderBytes = 0;
  #recordLength = 0;

  /** False when the bytes, those of earlier calls before them, claim too much. */
  admits(bytes: Uint8Array, offset: number, length: number): boolean {
    for (let at = offset; at < offset + length; at++) {
      if (this.#messageBytes === MESSAGE_HEADER_BYTES) break;
      this.#take(bytes[at]!);
    }
    const isKnown = this.#messageBytes === MESSAGE_HEADER_BYTES;
    return !isKnown || (this.#messageHeader & 0xffffff) <= HELLO_BYTES_MAX;
  }

  #take(byte: number): void {
    if (this.#recordHeaderBytes < RECORD_HEADER_BYTES) {
      this.#recordHeaderBytes++;
      this.#recordLength = ((this.#recordLength << 8) | byte) & 0xffff;
    } else {
      this.#messageBytes++;
      this.#messageHeader = (this.#messageHeader << 8) | byte;
      this.#recordLength--;
    }
    const isOver = this.#recordHeaderBytes === RECORD_HEADER_BYTES && this.#recordLength === 0;
    if (isOver) this.#recordHeaderBytes = 0;
  }
}
