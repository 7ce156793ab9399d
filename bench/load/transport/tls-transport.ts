import {
  SSL_CTRL_MODE,
  SSL_ERROR_WANT_READ,
  TLS1_2_VERSION,
} from '../../../src/sys/openssl-constants.ts';
import { closeSocket } from '../../../src/sys/socket.ts';
import type { TransportAddress } from '../../../src/stun/transport-address.ts';
import { TLS_CIPHER } from '../../settings.ts';
import { connectStream, setNonblocking } from './connect.ts';
import { type GeneratorMemory, STREAM_READ_BYTES } from './memory.ts';
import { native } from './native.ts';
import { StreamMessages } from './stream-messages.ts';
import type { ClientTransport, MessageHandler } from './transport.ts';

/** Of the public headers of OpenSSL 3. */
const SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 0x02;
const SSL_CTRL_SET_READ_AHEAD = 41;
const SSL_CTRL_SET_MAX_PROTO_VERSION = 124;
const SSL_ERROR_WANT_WRITE = 3;

/** A client over TLS 1.2 that offers one cipher suite and believes every certificate. */
export class TlsTransport implements ClientTransport {
  readonly fd: number;
  readonly #memory: GeneratorMemory;
  readonly #messages = new StreamMessages();
  readonly #ssl: bigint;
  /** Bytes of the message whose record the socket has not taken as a whole. */
  #unsent = 0;

  /** Connects and shakes hands, and waits for it. */
  constructor(memory: GeneratorMemory, client: TransportAddress, server: TransportAddress) {
    this.#memory = memory;
    this.fd = connectStream(client, server);
    this.#ssl = BigInt(native.SSL_new(clientContext()));
    native.SSL_set_fd(this.#ssl, this.fd);
    if (native.SSL_connect(this.#ssl) !== 1) throw new Error('the TLS handshake failed');
    setNonblocking(this.fd);
  }

  send(offset: number, length: number): boolean {
    // OpenSSL keeps the record and asks only for the same call again; the bytes behind the address do not matter.
    if (this.#unsent > 0 && !this.#write(offset, this.#unsent)) return false;
    this.#unsent = this.#write(offset, length) ? 0 : length;
    return true;
  }

  receive(take: MessageHandler): void {
    const { arena, streamOffset } = this.#memory;
    const address = arena.addressOf(streamOffset);
    for (;;) {
      const length = native.SSL_read(this.#ssl, address, STREAM_READ_BYTES);
      if (length <= 0) {
        this.#expect(SSL_ERROR_WANT_READ, length);
        return;
      }
      this.#messages.push(arena.bytes, streamOffset, length, take);
    }
  }

  close(): void {
    native.SSL_free(this.#ssl);
    closeSocket(this.fd);
  }

  /** False when the socket is full. */
  #write(offset: number, length: number): boolean {
    const written = native.SSL_write(this.#ssl, this.#memory.arena.addressOf(offset), length);
    if (written > 0) return true;
    this.#expect(SSL_ERROR_WANT_WRITE, written);
    return false;
  }

  #expect(reason: number, result: number): void {
    const actual = native.SSL_get_error(this.#ssl, result);
    if (actual !== reason) throw new Error(`the TLS connection ended (SSL_get_error ${actual})`);
  }
}

let context: bigint | undefined;

function clientContext(): bigint {
  context ??= createContext();
  return context;
}

function createContext(): bigint {
  const created = BigInt(native.SSL_CTX_new(native.TLS_client_method()));
  native.SSL_CTX_ctrl(created, SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_2_VERSION, 0);
  native.SSL_CTX_ctrl(created, SSL_CTRL_MODE, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, 0);
  // Many records with one system call.
  native.SSL_CTX_ctrl(created, SSL_CTRL_SET_READ_AHEAD, 1, 0);
  if (native.SSL_CTX_set_cipher_list(created, TLS_CIPHER) !== 1) {
    throw new Error(`OpenSSL does not know ${TLS_CIPHER}`);
  }
  return created;
}
