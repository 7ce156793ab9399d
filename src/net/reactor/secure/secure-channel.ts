import { loadOpenSsl, type OpenSsl } from '../../../sys/openssl.ts';
import {
  BIO_CTRL_PENDING,
  BIO_C_SET_BUF_MEM_EOF_RETURN,
  SSL_ERROR_WANT_READ,
  SSL_ERROR_ZERO_RETURN,
} from '../../../sys/openssl-constants.ts';
import { duringHandshake } from './handshake-callbacks.ts';
import { scratchMemory } from './native-memory.ts';
import { lastOpenSslError } from './openssl-error.ts';
import type { SecureContext } from './secure-context.ts';

/** Where a channel stands. */
export type ChannelState = 'handshake' | 'open' | 'ended' | 'failed';

/**
 * The server side of one TLS or DTLS connection: ciphertext in and out through memory, plaintext likewise.
 *
 * It touches no socket. Addresses are native; the caller owns the memory behind them. `free` must be called once.
 */
export class SecureChannel {
  /** The TLS settings that the handshake began with. */
  readonly context: SecureContext;
  state: ChannelState = 'handshake';
  /** Why the channel failed, in words of OpenSSL. */
  failure = '';
  /** The handshake only proves to an ACME directory that a name leads here (RFC 8737). */
  isChallenge = false;
  protected readonly openssl: OpenSsl = loadOpenSsl();
  protected readonly ssl: bigint;
  readonly #readBio: bigint;
  readonly #writeBio: bigint;
  #isRetained = true;

  constructor(context: SecureContext) {
    const { openssl } = this;
    this.context = context;
    context.retain();
    this.ssl = BigInt(openssl.SSL_new(context.defaultContext));
    this.#readBio = createMemoryBio(openssl);
    this.#writeBio = createMemoryBio(openssl);
    // Owns the memory from now on.
    openssl.SSL_set_bio(this.ssl, this.#readBio, this.#writeBio);
    openssl.SSL_set_accept_state(this.ssl);
  }

  /** The handshake is complete, and neither side has ended the connection. */
  get isOpen(): boolean {
    return this.state === 'open';
  }

  /** The client has ended the connection, or it failed. */
  get isOver(): boolean {
    return this.state === 'ended' || this.state === 'failed';
  }

  /** Takes ciphertext that arrived. */
  push(address: bigint, length: number): void {
    this.openssl.BIO_write(this.#readBio, address, length);
  }

  /** Goes on with the handshake as far as what was pushed allows, which sets `state`. */
  handshake(): void {
    this.openssl.ERR_clear_error();
    const result = duringHandshake(this, () => this.openssl.SSL_do_handshake(this.ssl));
    if (result !== 1) {
      this.#judge(result);
      return;
    }
    this.state = 'open';
    this.#releaseContext();
  }

  /**
   * Decrypts what was pushed, at most one record.
   *
   * @param max - room at `address`, bytes; a record holds up to 16 KiB.
   * @returns bytes of plaintext, or 0 when there is no more; `state` then tells whether the channel is still open.
   */
  read(address: bigint, max: number): number {
    // What another connection left behind would be taken for a failure of this one.
    this.openssl.ERR_clear_error();
    const length = this.openssl.SSL_read(this.ssl, address, max);
    if (length > 0) return length;
    this.#judge(length);
    return 0;
  }

  /** Encrypts plaintext; false when the channel is not open, or fails over it. */
  write(address: bigint, length: number): boolean {
    if (!this.isOpen) return false;
    if (this.openssl.SSL_write(this.ssl, address, length) === length) return true;
    this.fail();
    return false;
  }

  /** Bytes of ciphertext that wait to be sent. */
  get pending(): number {
    return this.openssl.BIO_ctrl(this.#writeBio, BIO_CTRL_PENDING, 0, 0);
  }

  /** Takes out ciphertext that waits to be sent; returns how many bytes, 0 when there are none. */
  pull(address: bigint, max: number): number {
    return Math.max(0, this.openssl.BIO_read(this.#writeBio, address, max));
  }

  /** Tells the client that nothing will follow (RFC 8446 §6.1); the alert waits to be pulled. */
  close(): void {
    if (this.state === 'open' || this.state === 'ended') this.openssl.SSL_shutdown(this.ssl);
    this.openssl.ERR_clear_error();
  }

  /** The verified certificate of the client as DER; undefined when it has shown none. */
  peerCertificate(): Buffer<ArrayBuffer> | undefined {
    const certificate = this.openssl.SSL_get1_peer_certificate(this.ssl);
    if (certificate === 0) return undefined;
    const { bytes, address } = scratchMemory();
    const length = this.openssl.i2d_X509(certificate, 0);
    let der: Buffer<ArrayBuffer> | undefined;
    if (length > 0 && length <= bytes.length - 8) {
      // Takes the address of an address, and moves it on.
      bytes.writeBigUInt64LE(BigInt(address + 8), 0);
      this.openssl.i2d_X509(certificate, address);
      der = Buffer.from(bytes.subarray(8, 8 + length));
    }
    this.openssl.X509_free(certificate);
    return der;
  }

  /** Gives everything back to OpenSSL. */
  free(): void {
    this.#releaseContext();
    this.openssl.SSL_free(this.ssl);
  }

  /** Bytes pushed that no read has looked at. */
  get unread(): number {
    return this.openssl.BIO_ctrl(this.#readBio, BIO_CTRL_PENDING, 0, 0);
  }

  /** True while records of what was pushed wait to be read. */
  get hasMore(): boolean {
    return this.openssl.SSL_has_pending(this.ssl) === 1;
  }

  /** Gives up for the reason that OpenSSL noted last. */
  protected fail(): void {
    this.state = 'failed';
    this.failure = lastOpenSslError();
  }

  #judge(result: number): void {
    const reason = this.openssl.SSL_get_error(this.ssl, result);
    if (reason === SSL_ERROR_WANT_READ) return;
    if (reason === SSL_ERROR_ZERO_RETURN) this.state = 'ended';
    else this.fail();
  }

  #releaseContext(): void {
    if (!this.#isRetained) return;
    this.#isRetained = false;
    this.context.release();
  }
}

/** Empty means "not yet", not "the end". */
function createMemoryBio(openssl: OpenSsl): bigint {
  const bio = openssl.BIO_new(openssl.BIO_s_mem());
  openssl.BIO_ctrl(bio, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, 0);
  return BigInt(bio);
}
