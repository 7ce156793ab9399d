import { uint16At } from '../../../src/stun/big-endian.ts';
import { StunMessage } from '../../../src/stun/message.ts';
import { ATTRIBUTE, CLASS } from '../../../src/stun/registry.ts';

const REMEMBERED_MAX = 100_000;

/**
 * Finds out whether a server takes a corrupt request for a genuine one: of a request that is corrupted on its first way
 * no genuine copy is let through, so that nobody may answer it with a signed success.
 */
export class ForgeryWatch {
  /** Signed requests that were corrupted. */
  corrupted = 0;
  /** Of these, answered as if they were genuine. */
  accepted = 0;
  /** Transaction ids that have passed unharmed. */
  readonly #genuine = new Set<string>();
  readonly #poisoned = new Set<string>();
  readonly #message = new StunMessage();

  /** Notes a corruption; false when it must not happen, since the request has passed unharmed before. */
  noteCorrupted(genuine: Buffer, corrupt: Buffer): boolean {
    if (!this.#isSignedRequest(genuine)) return true;
    if (this.#poisoned.size >= REMEMBERED_MAX || this.#genuine.has(idOf(genuine))) return false;
    this.corrupted++;
    for (const bytes of [genuine, corrupt]) this.#poisoned.add(idOf(bytes));
    return true;
  }

  /** True for a signed request that was corrupted before; else it counts as passed from now on. */
  isPoisoned(datagram: Buffer): boolean {
    if (!this.#isSignedRequest(datagram)) return false;
    const id = idOf(datagram);
    if (this.#poisoned.has(id)) return true;
    if (this.#genuine.size < REMEMBERED_MAX) this.#genuine.add(id);
    return false;
  }

  /** Looks at what a server sends. */
  noteAnswer(datagram: Buffer): void {
    const message = this.#message;
    if (datagram.length < 20 || datagram[0]! > 3 || this.#poisoned.size === 0) return;
    if (message.decode(datagram, 0, datagram.length) !== undefined) return;
    const isSigned =
      message.find(ATTRIBUTE.MESSAGE_INTEGRITY) >= 0 ||
      message.find(ATTRIBUTE.MESSAGE_INTEGRITY_SHA256) >= 0;
    if (message.messageClass !== CLASS.SUCCESS || !isSigned) return;
    if (this.#poisoned.has(idOf(datagram))) this.accepted++;
  }

  #isSignedRequest(bytes: Buffer): boolean {
    if (bytes.length < 20 || (uint16At(bytes, 0) & 0x0110) !== 0 || bytes[0]! > 3) return false;
    if (this.#message.decode(bytes, 0, bytes.length) !== undefined) return false;
    return (
      this.#message.find(ATTRIBUTE.MESSAGE_INTEGRITY) >= 0 ||
      this.#message.find(ATTRIBUTE.MESSAGE_INTEGRITY_SHA256) >= 0
    );
  }
}

function idOf(bytes: Buffer): string {
  return bytes.toString('hex', 8, 20);
}
