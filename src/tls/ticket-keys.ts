import { randomBytes } from 'node:crypto';
import { TLS_TICKET_KEYS_SECONDS } from '../limits.ts';
import { TICKET_KEYS_BYTES } from './tls-settings.ts';

/**
 * Keys of TLS session tickets. Every endpoint has its own: a session of one listener must not get past the client
 * authentication of another.
 */
export class TicketKeys {
  readonly #names: readonly string[];
  #keys: ReadonlyMap<string, Uint8Array> = new Map();
  #madeAt = -Infinity;

  /** @param names - names of the endpoints; they have no keys before the first `renew`. */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  /**
   * Makes other keys unless those that there are are still young.
   *
   * @param now - Unix milliseconds.
   * @returns whether the keys have changed.
   */
  renew(now: number): boolean {
    if (now - this.#madeAt < TLS_TICKET_KEYS_SECONDS * 1000) return false;
    this.#madeAt = now;
    this.#keys = new Map(
      this.#names.map((name) => [name, Uint8Array.from(randomBytes(TICKET_KEYS_BYTES))]),
    );
    return true;
  }

  /** TICKET_KEYS_BYTES of secret of an endpoint. */
  of(name: string): Uint8Array {
    return this.#keys.get(name)!;
  }
}
