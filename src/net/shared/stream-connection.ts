import {
  CONNECTION_WRITE_BUFFER_BYTES_MAX,
  STREAM_FRAME_BYTES_MAX,
  STRANGER_FRAME_BYTES_MAX,
  STRANGER_UNREAD_BYTES_MAX,
} from '../../limits.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import type { Client } from '../../turn/allocation.ts';
import type { Now } from '../../turn/policy.ts';
import { ClientConnection } from './client-connection.ts';
import type { HandshakeGate } from './handshake-gate.ts';
import type { StreamEndpoints } from './stream-endpoints.ts';
import { StreamOpening, type StreamOpeningRules } from './stream-opening.ts';
import type { ConnectionRefusal } from './transport-event.ts';

/** What stream connections need of the data plane that they belong to. */
export interface StreamPlane {
  readonly now: Now;
  readonly handshakeGate: HandshakeGate;
  readonly connections: {
    attribute(connection: StreamConnection, client: TransportAddress): boolean;
    refuse(connection: StreamConnection, reason: ConnectionRefusal): void;
  };
}

/** What the connections to one listener have in common. */
export interface StreamListener {
  readonly rules: StreamOpeningRules;
  readonly endpoints: StreamEndpoints;
}

/** What a client's stream connection may do in every data plane: how it begins, how much it leaves unread. */
export abstract class StreamConnection extends ClientConnection {
  /** True while a TLS handshake goes on. */
  protected isInHandshake = false;
  readonly #plane: StreamPlane;
  readonly #listener: StreamListener;
  #opening: StreamOpening | undefined;

  constructor(plane: StreamPlane, listener: StreamListener, client: Client) {
    super(client, plane.now.monotonicMs);
    this.#plane = plane;
    this.#listener = listener;
    this.#opening = new StreamOpening(listener.rules, client.address);
  }

  /** True while it is not known yet what the connection begins with. */
  protected get isOpening(): boolean {
    return this.#opening !== undefined;
  }

  /** True while a handshake begins or goes on with the next bytes. */
  protected get isBeforeOpen(): boolean {
    return this.isInHandshake || (this.isOpening && this.#listener.rules.isSecure);
  }

  /**
   * Reads what the connection begins with: a PROXY header or none, then TLS, which sets `isInHandshake`, or messages.
   *
   * @param bytes - a chunk of the stream; borrowed.
   * @returns how many bytes are dealt with; all of them when the connection is refused.
   */
  protected readOpening(bytes: Uint8Array, offset: number, length: number): number {
    const opening = this.#opening;
    if (opening === undefined) return 0;
    const outcome = opening.push(bytes, offset, length);
    const client = opening.takeClient();
    if (client !== undefined && !this.#plane.connections.attribute(this, client)) return length;
    if (outcome === 'more') return length;
    this.#opening = undefined;
    const refusal = this.#proceed(outcome);
    if (refusal === undefined) return opening.consumed;
    this.#plane.connections.refuse(this, refusal);
    return length;
  }

  /** The handshake is over, if there is one. */
  protected leaveHandshake(): void {
    if (!this.isInHandshake) return;
    this.isInHandshake = false;
    this.#plane.handshakeGate.leave();
  }

  /** Longest frame that the client may send now, bytes. */
  protected get frameBytesMax(): number {
    return this.client.allocation === undefined ? STRANGER_FRAME_BYTES_MAX : STREAM_FRAME_BYTES_MAX;
  }

  /** True when relayed data is to be dropped, because `waiting` bytes are unread already. */
  protected isTooSlowFor(length: number, waiting: number): boolean {
    return waiting > 0 && waiting + length > CONNECTION_WRITE_BUFFER_BYTES_MAX;
  }

  /** True when the client has left so many bytes of responses unread that it is to be disconnected. */
  protected isUnresponsive(waiting: number): boolean {
    const max = this.isStranger ? STRANGER_UNREAD_BYTES_MAX : 2 * CONNECTION_WRITE_BUFFER_BYTES_MAX;
    return waiting > max;
  }

  /** Goes on with messages or with a handshake; returns why it must not. */
  #proceed(outcome: 'plain' | 'tls' | ConnectionRefusal): ConnectionRefusal | undefined {
    const { client } = this;
    const { now, handshakeGate } = this.#plane;
    if (outcome === 'plain') {
      client.endpoint = this.#listener.endpoints.plainAt(client.endpoint);
      this.noteOpen(now.monotonicMs);
      return undefined;
    }
    if (outcome !== 'tls') return outcome;
    if (!handshakeGate.enter(client.address, now.monotonicMs)) return 'tooManyHandshakes';
    this.isInHandshake = true;
    this.noteHandshake(now.monotonicMs);
    return undefined;
  }
}
