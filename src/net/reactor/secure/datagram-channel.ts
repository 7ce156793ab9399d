import { loadOpenSsl } from '../../../sys/openssl.ts';
import { DTLS_CTRL_HANDLE_TIMEOUT, SSL_CTRL_SET_MTU } from '../../../sys/openssl-constants.ts';
import { duringHandshake } from './handshake-callbacks.ts';
import { SecureChannel } from './secure-channel.ts';
import type { SecureContext } from './secure-context.ts';

/** Datagrams of a handshake are no longer than this, which every IPv6 path takes, bytes. */
export const HANDSHAKE_DATAGRAM_BYTES_MAX = 1200;

/** Before there is a cipher nothing but a Finished is encrypted, with an authentication tag of 16 bytes at least. */
const FINISHED_RECORD_BYTES_MIN = 24 + 16;

/** Plaintext of one record (RFC 6347 §4.1). */
export const RECORD_BYTES_MAX = 16 * 1024;

/** OpenSSL wants to write a peer's address somewhere; with memory in between there is none. */
let noPeer: number | undefined;

/** The server side of one DTLS association, from the ClientHello with the cookie on. */
export class DatagramChannel extends SecureChannel {
  /** Longest message that the client takes in one record (RFC 6066 §4), bytes. */
  messageBytesMax = RECORD_BYTES_MAX;
  /** Encrypted records that are shorter are forged, bytes; OpenSSL would end the association over them. */
  recordBytesMin = FINISHED_RECORD_BYTES_MIN;
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
      const isHello = duringHandshake(this, () => {
        return this.openssl.DTLSv1_listen(this.ssl, peer);
      });
      if (isHello !== 1) return this.fail();
    }
    super.handshake();
    if (!this.isOpen) return;
    this.recordBytesMin = shortestRecord(this.#cipherName);
    const { SSL_get_session, SSL_SESSION_get_max_fragment_length } = this.openssl;
    const mode = SSL_SESSION_get_max_fragment_length(SSL_get_session(this.ssl));
    if (mode > 0) this.messageBytesMax = 2 ** (8 + mode);
  }

  /** Sends the last flight again when the client has not answered it in time (RFC 6347 §4.2.4). */
  handleTimeout(): void {
    this.openssl.SSL_ctrl(this.ssl, DTLS_CTRL_HANDLE_TIMEOUT, 0, 0);
    this.openssl.ERR_clear_error();
  }

  get #cipherName(): string {
    return this.openssl.SSL_CIPHER_get_name(this.openssl.SSL_get_current_cipher(this.ssl));
  }
}

/** Bytes of a record without content: explicit nonce and tag, or what CBC with HMAC-SHA1 makes of nothing. */
function shortestRecord(cipherName: string): number {
  if (cipherName.includes('CHACHA20') || cipherName.includes('CCM8')) return 16;
  return cipherName.includes('GCM') || cipherName.includes('CCM') ? 24 : 48;
}
