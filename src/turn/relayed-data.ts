import { TransportAddress } from '../stun/transport-address.ts';
import type { Relay } from './allocation.ts';

/** Where relayed client data goes; one instance is reused for all packets of a server. */
export class RelayedData {
  /** Socket to send from; undefined before the first packet. */
  relay: Relay | undefined;
  /** Destination, valid until the next input. */
  peer = new TransportAddress();
  /** Index of the application data in the bytes that were handed in. */
  payloadOffset = 0;
  /** Bytes of application data; 0 is an empty datagram. */
  payloadLength = 0;
  /** The don't-fragment bit of the datagram to send (RFC 8656 §14). */
  dontFragment = false;
}
