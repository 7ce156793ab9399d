import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Duplex } from 'node:stream';
import { loadLibc } from '../../src/sys/libc.ts';
import {
  BIO_C_SET_BUF_MEM_EOF_RETURN,
  DTLS_CTRL_HANDLE_TIMEOUT,
  SSL_CTRL_SET_MTU,
  SSL_ERROR_WANT_READ,
  SSL_ERROR_ZERO_RETURN,
  SSL_OP_NO_QUERY_MTU,
  SSL_VERIFY_PEER,
} from '../../src/sys/openssl-constants.ts';
import { checkOpenSsl, loadOpenSsl } from '../../src/sys/openssl.ts';
import { within } from './child-process.ts';
import type { ServerAddress } from './turn-transport.ts';

/** What a client asks of an association, all of it as OpenSSL has it unless given. */
export interface DtlsClientOptions {
  /** Longest content of a record that the client takes (RFC 6066 §4), bytes. */
  readonly maxFragmentLength?: keyof typeof FRAGMENT_LENGTH_CODES;
  /** Cipher list of OpenSSL. */
  readonly ciphers?: string;
  /** File with the authority of the server's certificate, which is not looked at otherwise. */
  readonly authority?: string;
}

const FRAGMENT_LENGTH_CODES = { 512: 1, 1024: 2, 2048: 3, 4096: 4 } as const;
const RECORD_HEADER_BYTES = 13;
const RECORD_BYTES_MAX = 16 * 1024;
/** A flight of several records. */
const FLIGHT_BYTES_MAX = 4 * RECORD_BYTES_MAX;
const MTU_BYTES = 1200;
const RETRANSMIT_MS = 300;
const HANDSHAKE_MS_MAX = 10_000;

/** Says why the tests with this client are skipped; false when they are not. */
export function missingDtlsClient(): string | false {
  const support = checkOpenSsl();
  return !support.supported && support.reason;
}

/**
 * A client of DTLS 1.2, made of the OpenSSL of Node.js, that can do what well-behaved ones never do.
 *
 * As a stream it takes and gives whole messages; those from the server are padded to four bytes, as TURN has it on streams
 * (RFC 8656 §12.5). It emits `close` when the association is over.
 */
export class DtlsClient extends Duplex {
  /** Records sent so far, each with its header; the first two are the ClientHellos without and with the cookie. */
  readonly sent: Buffer[] = [];
  /** Why the association is over: `close_notify` or the reason that OpenSSL names; undefined until then. */
  closeReason: string | undefined;
  readonly #socket: Socket;
  readonly #engine: DtlsEngine;
  #held: Buffer[] | undefined;
  #isOpen = false;

  private constructor(socket: Socket, engine: DtlsEngine) {
    super();
    this.#socket = socket;
    this.#engine = engine;
    socket.on('message', (datagram) => this.#receive(datagram));
    // Nobody listens there; the handshake runs out of time then.
    socket.on('error', () => undefined);
  }

  /** Opens an association; rejects when the handshake fails or takes longer than ten seconds. */
  static async connect(server: ServerAddress, options: DtlsClientOptions = {}) {
    const socket = createSocket(server.host.includes(':') ? 'udp6' : 'udp4');
    socket.connect(server.port, server.host);
    await once(socket, 'connect');
    const client = new DtlsClient(socket, new DtlsEngine(options));
    try {
      await within(HANDSHAKE_MS_MAX, client.#open(), () => 'the handshake takes too long');
    } catch (error) {
      client.destroy();
      throw error;
    }
    return client;
  }

  /** Port of the own socket. */
  get localPort(): number {
    return this.#socket.address().port;
  }

  /** Keeps back the records of what is written from now on. */
  holdRecords(): void {
    this.#held = [];
  }

  /** Sends what was kept back, all of it in one datagram. */
  releaseRecords(): void {
    const records = this.#held ?? [];
    this.#held = undefined;
    this.sendDatagram(Buffer.concat(records));
  }

  /** Sends a datagram as it is. */
  sendDatagram(datagram: Uint8Array): void {
    this.#socket.send(datagram, () => undefined);
  }

  override _read(): void {
    // What arrives is pushed at once.
  }

  override _write(message: Buffer, _encoding: string, done: (error?: Error) => void): void {
    const isWritten = this.#engine.write(message);
    this.#sendPending();
    done(isWritten ? undefined : new Error(this.#engine.closeReason));
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#engine.free();
    this.#socket.close(() => done(error));
  }

  async #open(): Promise<void> {
    const timer = setInterval(() => {
      this.#engine.handleTimeout();
      this.#sendPending();
    }, RETRANSMIT_MS);
    const opened = Promise.race([once(this, 'open'), once(this, 'close')]);
    this.#shakeHands();
    await opened.finally(() => clearInterval(timer));
    if (!this.#isOpen) throw new Error(`the handshake fails: ${this.closeReason}`);
  }

  #shakeHands(): void {
    this.#isOpen = this.#engine.handshake();
    this.#sendPending();
    if (this.#isOpen) this.emit('open');
  }

  #receive(datagram: Buffer): void {
    if (this.destroyed) return;
    this.#engine.push(datagram);
    if (!this.#isOpen) this.#shakeHands();
    for (let message; this.#isOpen && (message = this.#engine.read()) !== undefined;) {
      this.push(paddedToWords(message));
    }
    this.closeReason = this.#engine.closeReason;
    if (this.closeReason !== undefined) this.destroy();
  }

  #sendPending(): void {
    for (const record of recordsIn(this.#engine.pull())) {
      this.sent.push(record);
      if (this.#held === undefined) this.sendDatagram(record);
      else this.#held.push(record);
    }
  }
}

/** The client side of an association: datagrams in, records out, all through memory. */
class DtlsEngine {
  /** Set once the association is over. */
  closeReason: string | undefined;
  readonly #openssl = loadOpenSsl();
  readonly #context: number;
  readonly #ssl: number;
  readonly #readBio: number;
  readonly #writeBio: number;
  readonly #memory = Buffer.from(new ArrayBuffer(FLIGHT_BYTES_MAX));
  readonly #address = loadLibc().addressOf(this.#memory.buffer);

  constructor(options: DtlsClientOptions) {
    const openssl = this.#openssl;
    this.#context = createContext(options);
    this.#ssl = openssl.SSL_new(this.#context);
    [this.#readBio, this.#writeBio] = [this.#createBio(), this.#createBio()];
    openssl.SSL_set_bio(this.#ssl, this.#readBio, this.#writeBio);
    openssl.SSL_ctrl(this.#ssl, SSL_CTRL_SET_MTU, MTU_BYTES, 0);
    loadClientFunctions().SSL_set_connect_state(this.#ssl);
  }

  /** True once the handshake is complete. */
  handshake(): boolean {
    this.#openssl.ERR_clear_error();
    return this.#judge(this.#openssl.SSL_do_handshake(this.#ssl)) === 1;
  }

  handleTimeout(): void {
    this.#openssl.ERR_clear_error();
    this.#openssl.SSL_ctrl(this.#ssl, DTLS_CTRL_HANDLE_TIMEOUT, 0, 0);
  }

  push(datagram: Buffer): void {
    datagram.copy(this.#memory);
    this.#openssl.BIO_write(this.#readBio, this.#address, datagram.length);
  }

  pull(): Buffer {
    const length = this.#openssl.BIO_read(this.#writeBio, this.#address, FLIGHT_BYTES_MAX);
    return this.#copy(length);
  }

  read(): Buffer | undefined {
    this.#openssl.ERR_clear_error();
    const length = this.#judge(this.#openssl.SSL_read(this.#ssl, this.#address, RECORD_BYTES_MAX));
    return length > 0 ? this.#copy(length) : undefined;
  }

  write(message: Buffer): boolean {
    this.#openssl.ERR_clear_error();
    message.copy(this.#memory);
    return this.#judge(this.#openssl.SSL_write(this.#ssl, this.#address, message.length)) > 0;
  }

  free(): void {
    this.#openssl.SSL_free(this.#ssl);
    this.#openssl.SSL_CTX_free(this.#context);
  }

  #copy(length: number): Buffer {
    return Buffer.from(this.#memory.subarray(0, Math.max(0, length)));
  }

  #judge(result: number): number {
    if (result > 0) return result;
    const openssl = this.#openssl;
    const reason = openssl.SSL_get_error(this.#ssl, result);
    if (reason === SSL_ERROR_ZERO_RETURN) this.closeReason = 'close_notify';
    else if (reason !== SSL_ERROR_WANT_READ) {
      this.closeReason =
        openssl.ERR_reason_error_string(openssl.ERR_peek_last_error()) ?? `error ${reason}`;
    }
    return result;
  }

  #createBio(): number {
    const bio = this.#openssl.BIO_new(this.#openssl.BIO_s_mem());
    // Empty means "not yet", not "the end".
    this.#openssl.BIO_ctrl(bio, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, 0);
    return bio;
  }
}

function createContext({ maxFragmentLength, ciphers, authority }: DtlsClientOptions): number {
  const openssl = loadOpenSsl();
  const functions = loadClientFunctions();
  const context = openssl.SSL_CTX_new(functions.DTLS_client_method());
  openssl.SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
  const isAccepted = [
    ciphers === undefined || openssl.SSL_CTX_set_cipher_list(context, ciphers) === 1,
    maxFragmentLength === undefined ||
      functions.SSL_CTX_set_tlsext_max_fragment_length(
        context,
        FRAGMENT_LENGTH_CODES[maxFragmentLength],
      ) === 1,
    authority === undefined ||
      functions.SSL_CTX_load_verify_locations(context, authority, null) === 1,
  ];
  if (!isAccepted.every(Boolean)) throw new Error('OpenSSL refuses the options');
  if (authority !== undefined) openssl.SSL_CTX_set_verify(context, SSL_VERIFY_PEER, 0);
  return context;
}

/** Functions that the gateway has no use for. */
interface ClientFunctions {
  DTLS_client_method(): number;
  SSL_set_connect_state(ssl: number): void;
  SSL_CTX_set_tlsext_max_fragment_length(context: number, code: number): number;
  SSL_CTX_load_verify_locations(context: number, file: string, folder: string | null): number;
}

let clientFunctions: ClientFunctions | undefined;

function loadClientFunctions(): ClientFunctions {
  clientFunctions ??= declareClientFunctions();
  return clientFunctions;
}

function declareClientFunctions(): ClientFunctions {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const library = koffi.load(null);
  const pointer = 'intptr_t';
  return {
    DTLS_client_method: library.func('DTLS_client_method', pointer, []),
    SSL_set_connect_state: library.func('SSL_set_connect_state', 'void', [pointer]),
    SSL_CTX_set_tlsext_max_fragment_length: library.func(
      'SSL_CTX_set_tlsext_max_fragment_length',
      'int',
      [pointer, 'uint8'],
    ),
    SSL_CTX_load_verify_locations: library.func('SSL_CTX_load_verify_locations', 'int', [
      pointer,
      'str',
      'str',
    ]),
  };
}

function recordsIn(flight: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < flight.length;) {
    const next = at + RECORD_HEADER_BYTES + flight.readUInt16BE(at + 11);
    records.push(flight.subarray(at, next));
    at = next;
  }
  return records;
}

function paddedToWords(message: Buffer): Buffer {
  return Buffer.concat([message], (message.length + 3) & ~3);
}
