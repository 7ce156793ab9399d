import { Client } from '../../turn/allocation.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import type { MonotonicMs } from '../../turn/policy.ts';
import { ClientConnection } from '../shared/client-connection.ts';
import type { DatagramEndpoint } from './datagram-endpoint.ts';
import { DatagramChannel } from './secure/datagram-channel.ts';
import type { SecureContext } from './secure/secure-context.ts';
import { verifiedIdentity } from './secure/verified-identity.ts';

/** A client that speaks DTLS: the core hands what is for it to its association. */
export class DtlsClient extends Client {
  /** Undefined once the association is closed. */
  association: DtlsAssociation | undefined;
}

/** A DTLS association with one client, and the handshake that may take its place (RFC 6347 §4.2.8). */
export class DtlsAssociation extends ClientConnection {
  readonly channel: DatagramChannel;
  /** A newer handshake from the same address; it replaces this association once it is complete. */
  successor: DtlsAssociation | undefined;
  /** The established association that this handshake is to replace. */
  predecessor: DtlsAssociation | undefined;
  isInHandshake = true;
  readonly #helloRandom: Uint8Array;

  /** Begins with the ClientHello that `helloRandom` is from; `address` is kept. */
  constructor(
    context: SecureContext,
    endpoint: DatagramEndpoint,
    address: TransportAddress,
    handle: number,
    helloRandom: Uint8Array,
    now: MonotonicMs,
  ) {
    super(new DtlsClient(endpoint, address, handle), now);
    (this.client as DtlsClient).association = this;
    this.channel = new DatagramChannel(context);
    this.#helloRandom = helloRandom;
    this.noteHandshake(now);
  }

  /** The endpoint that the client reached. */
  get endpoint(): DatagramEndpoint {
    return this.client.endpoint as DatagramEndpoint;
  }

  /** True when the handshake began with a hello of this random value, so that another one repeats it. */
  beganWith(helloRandom: Uint8Array): boolean {
    return Buffer.compare(this.#helloRandom, helloRandom) === 0;
  }

  /** The handshake is complete. */
  open(now: MonotonicMs): void {
    this.client.identity = verifiedIdentity(this.channel);
    this.noteOpen(now);
  }

  /** A whole message has come. */
  override noteMessage(): void {
    super.noteMessage();
  }
}
