import type { TlsByListener } from '../../data-plane.ts';
import { SecureContext } from './secure-context.ts';

/** What each listener of one worker speaks TLS or DTLS with. */
export class SecureContexts {
  readonly #contextByListener = new Map<string, SecureContext>();
  readonly #datagramListeners = new Set<string>();

  /** Tells that a listener speaks DTLS, before its settings come. */
  addDatagramListener(listener: string): void {
    this.#datagramListeners.add(listener);
  }

  /** The current context of a listener that has one. */
  of(listener: string): SecureContext {
    return this.#contextByListener.get(listener)!;
  }

  /**
   * Swaps the contexts of the listeners named; live channels, and handshakes that go on, keep theirs.
   *
   * @throws GatewayError GW_ERR_TLS_POLICY when OpenSSL refuses one; all contexts stay as they were then.
   */
  replace(settings: TlsByListener): void {
    const fresh = new Map<string, SecureContext>();
    try {
      for (const [name, tls] of settings) {
        fresh.set(name, new SecureContext(name, tls, this.#datagramListeners.has(name)));
      }
    } catch (error) {
      for (const context of fresh.values()) context.retire();
      throw error;
    }
    for (const [name, context] of fresh) {
      this.#contextByListener.get(name)?.retire();
      this.#contextByListener.set(name, context);
    }
  }

  /** Gives all of them back. */
  close(): void {
    for (const context of this.#contextByListener.values()) context.retire();
    this.#contextByListener.clear();
  }
}
