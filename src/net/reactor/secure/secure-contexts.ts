import type { TlsByListener } from '../../data-plane.ts';
import { SecureContext } from './secure-context.ts';

/** What a channel runs over: TLS on streams, DTLS on datagrams. */
export type ChannelKind = 'stream' | 'datagram';

/** What each listener of one worker speaks TLS or DTLS with. */
export class SecureContexts {
  readonly #kindByListener = new Map<string, ChannelKind>();
  /** A listener that has become one of the other kind still ends here what had begun. */
  readonly #contexts: Readonly<Record<ChannelKind, Map<string, SecureContext>>> = {
    stream: new Map(),
    datagram: new Map(),
  };

  /** Tells what a listener speaks from now on, before its settings come. */
  expect(listener: string, kind: ChannelKind): void {
    this.#kindByListener.set(listener, kind);
  }

  /** True when a listener can begin handshakes. */
  has(listener: string, kind: ChannelKind): boolean {
    return this.#contexts[kind].has(listener);
  }

  /** The current context of a listener that has one. */
  of(listener: string, kind: ChannelKind): SecureContext {
    return this.#contexts[kind].get(listener)!;
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
        fresh.set(name, new SecureContext(name, tls, this.#kindOf(name) === 'datagram'));
      }
    } catch (error) {
      for (const context of fresh.values()) context.retire();
      throw error;
    }
    for (const [name, context] of fresh) {
      const contexts = this.#contexts[this.#kindOf(name)];
      contexts.get(name)?.retire();
      contexts.set(name, context);
    }
  }

  /** Gives back those of a listener that no handshake begins with any more. */
  forget(listener: string): void {
    this.#kindByListener.delete(listener);
    for (const contexts of Object.values(this.#contexts)) {
      contexts.get(listener)?.retire();
      contexts.delete(listener);
    }
  }

  /** Gives all of them back. */
  close(): void {
    for (const contexts of Object.values(this.#contexts)) {
      for (const context of contexts.values()) context.retire();
      contexts.clear();
    }
  }

  #kindOf(listener: string): ChannelKind {
    return this.#kindByListener.get(listener) ?? 'stream';
  }
}
