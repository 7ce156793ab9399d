import type { TransportAddress } from '../../stun/transport-address.ts';
import type { ListenerPlan } from '../data-plane.ts';
import { ProxyHeaderReader } from './proxy-header.ts';
import type { ConnectionRefusal } from './transport-event.ts';
import { TrustedPrefixes } from './trusted-prefixes.ts';

const TLS_HANDSHAKE = 22;

/** What a listener lets its connections begin with. */
export class StreamOpeningRules {
  readonly isSecure: boolean;
  /** Secure listeners take plain clients as well. */
  readonly alsoPlain: boolean;
  readonly proxyMode: ListenerPlan['proxy']['mode'];
  readonly #trusted: TrustedPrefixes;

  constructor({ protocol, alsoPlain, proxy }: ListenerPlan) {
    this.isSecure = protocol === 'tls';
    this.alsoPlain = alsoPlain;
    this.proxyMode = proxy.mode;
    this.#trusted = new TrustedPrefixes(proxy.trusted);
  }

  /** True when connections from `peer` are those of a load balancer, which tells who its client is. */
  isProxy(peer: TransportAddress): boolean {
    return this.proxyMode !== 'off' && this.#trusted.contains(peer);
  }

  /** True when connections from `peer` are refused at once. */
  isForbidden(peer: TransportAddress): boolean {
    return this.proxyMode === 'required' && !this.#trusted.contains(peer);
  }
}

/** What the first bytes of a connection mean: more are needed, what follows is TLS or plain, or it is to be closed. */
export type OpeningOutcome = 'more' | 'tls' | 'plain' | ConnectionRefusal;

/** Finds out what a connection begins with: a PROXY header or none, TLS or plain messages. */
export class StreamOpening {
  /** Bytes of the last chunk that are dealt with. */
  consumed = 0;
  readonly #rules: StreamOpeningRules;
  #header: ProxyHeaderReader | undefined;
  #client: TransportAddress | undefined;

  /** `peer` is the other end of the connection. */
  constructor(rules: StreamOpeningRules, peer: TransportAddress) {
    this.#rules = rules;
    if (rules.isProxy(peer)) this.#header = new ProxyHeaderReader();
  }

  /** Reads a chunk (borrowed), not empty; to be called until the outcome is not `more`. */
  push(bytes: Uint8Array, offset: number, length: number): OpeningOutcome {
    this.consumed = 0;
    if (this.#header !== undefined) {
      const refusal = this.#readHeader(this.#header, bytes, offset, length);
      if (refusal !== undefined) return refusal;
      if (this.consumed === length) return 'more';
    }
    const { isSecure, alsoPlain } = this.#rules;
    const isPlain = !isSecure || (alsoPlain && bytes[offset + this.consumed] !== TLS_HANDSHAKE);
    return isPlain ? 'plain' : 'tls';
  }

  /** The client as a load balancer saw it, told once; undefined otherwise. */
  takeClient(): TransportAddress | undefined {
    const client = this.#client;
    this.#client = undefined;
    return client;
  }

  /** Undefined once the header is over. */
  #readHeader(
    header: ProxyHeaderReader,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): OpeningOutcome | undefined {
    const outcome = header.push(bytes, offset, length);
    this.consumed = header.consumed;
    if (outcome === 'more') return 'more';
    if (outcome === 'malformed') return 'proxyHeaderMalformed';
    if (outcome === 'absent') {
      // No first message of a client begins like a header, so what was held back belongs to none.
      if (header.held.length > 0) return 'proxyHeaderMalformed';
      if (this.#rules.proxyMode === 'required') return 'proxyHeaderMissing';
    }
    if (outcome === 'proxied') this.#client = header.source;
    this.#header = undefined;
    return undefined;
  }
}
