import { loadOpenSsl } from '../../../sys/openssl.ts';
import { DTLS_CTRL_HANDLE_TIMEOUT, SSL_CTRL_SET_MTU } from '../../../sys/openssl-constants.ts';
import { duringHandshake } from './handshake-callbacks.ts';
import { SecureChannel } from './secure-channel.ts';
import type { SecureContext } from './secure-context.ts';

/** Datagrams of a handshake are no longer than this, which every IPv6 path takes, bytes. */
export const HANDSHAKE_DATAGRAM_BYTES_MAX = 1200;

/** OpenSSL wants to write a peer's address somewhere; with memory in between there is none. */
let noPeer: number | undefined;

/** The server side of one DTLS association, from the ClientHello with the cookie on. */
export class DatagramChannel extends SecureChannel {
  #isListening = true;

  constructor(context: SecureContext) {
    super(context);
    this.openssl.SSL_ctrl(this.ssl, SSL_CTRL_SET_MTU, HANDSHAKE_DATAGRAM_BYTES_MAX, 0);
  }

  /** The first call takes the ClientHello, whose cookie is verified; the others go on from there. */
  override handshake(): void {
    if (this.#isListening) {
      this.#isListening = false;
      noPeer ??= loadOpenSsl().BIO_ADDR_new();
      const peer = noPeer;
      const isHello = duringHandshake(this.context, () => {
        return this.openssl.DTLSv1_listen(this.ssl, peer);
      });
      if (isHello !== 1) return this.fail();
    }
    super.handshake();
  }

  /** Sends the last flight again when the client has not answered it in time (RFC 6347 §4.2.4). */
  handleTimeout(): void {
    this.openssl.SSL_ctrl(this.ssl, DTLS_CTRL_HANDLE_TIMEOUT, 0, 0);
    this.openssl.ERR_clear_error();
  }
}
