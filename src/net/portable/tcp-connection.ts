import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { TlsSettings } from '../../tls/tls-settings.ts';
import type { Client } from '../../turn/allocation.ts';
import { StreamFramer } from '../../turn/stream-framer.ts';
import { StreamConnection } from '../shared/stream-connection.ts';
import type { PortableDriver } from './portable-driver.ts';
import type { TcpListener } from './tcp-listener.ts';
import { verifiedIdentity } from './verified-identity.ts';

/** A client's TCP connection, plain or with TLS: cuts the stream into messages and writes what the core answers. */
export class TcpConnection extends StreamConnection {
  readonly #listener: TcpListener;
  readonly #driver: PortableDriver;
  readonly #framer = new StreamFramer();
  /** Where messages are read and written: the TCP socket, later maybe the TLS socket around it. */
  #socket: Socket;

  constructor(driver: PortableDriver, listener: TcpListener, client: Client, socket: Socket) {
    super(driver, listener, client);
    this.#listener = listener;
    this.#driver = driver;
    this.#socket = socket;
    this.#listenTo(socket);
  }

  /** Sends relayed data; dropped when the client is too slow for it. Keeps `bytes`. */
  sendRelayed(bytes: Uint8Array): void {
    const { writableLength } = this.#socket;
    if (!this.isTooSlowFor(bytes.length, writableLength)) this.#socket.write(bytes);
  }

  /** Sends a response or indication; a client that leaves too many of them unread is disconnected. Keeps `bytes`. */
  sendControl(bytes: Uint8Array): void {
    if (this.isUnresponsive(this.#socket.writableLength)) {
      this.#driver.connections.closeLater(this.client);
    } else {
      this.#socket.write(bytes);
    }
  }

  /** Says goodbye, as far as the client takes it at once, and closes the socket; once, at the end. */
  destroy(): void {
    this.leaveHandshake();
    const socket = this.#socket;
    if (socket instanceof TLSSocket && !socket.destroyed) socket.end();
    socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.isOpening) {
      this.#handleMessages(chunk);
      return;
    }
    let messages: Buffer | undefined;
    this.#driver.handle(() => {
      const rest = chunk.subarray(this.readOpening(chunk, 0, chunk.length));
      if (this.isInHandshake) this.#beginHandshake(rest);
      else if (rest.length > 0) messages = rest;
    });
    if (messages !== undefined) this.#handleMessages(messages);
  };

  readonly #onEnd = (): void => this.#close();

  #listenTo(socket: Socket): void {
    socket.on('data', this.#onData);
    // A stream that ends one way is of no use either.
    for (const event of ['end', 'close']) socket.on(event, this.#onEnd);
    // The 'close' event follows.
    socket.on('error', () => {});
  }

  #beginHandshake(hello: Buffer): void {
    this.#socket.off('data', this.#onData);
    // What is given back is kept for the TLS socket only while the stream does not flow.
    this.#socket.pause();
    this.#socket.unshift(hello);
    this.#listener.beginHandshake(this.#socket, {
      onSecure: (secure, settings) => this.#handleSecure(secure, settings),
      onFailure: (reason) => this.#handleFailure(reason),
    });
  }

  #handleSecure(secure: TLSSocket, settings: TlsSettings): void {
    if (this.isGone) return;
    this.#driver.handle((_server, { monotonicMs }) => {
      this.leaveHandshake();
      this.client.identity = verifiedIdentity(secure, settings);
      this.noteOpen(monotonicMs);
    });
    // The TLS socket closes both; closing the inner one before it crashes Node.js.
    for (const event of ['end', 'close']) this.#socket.off(event, this.#onEnd);
    this.#socket = secure;
    this.#listenTo(secure);
  }

  #handleFailure(reason: string): void {
    this.#driver.report({ kind: 'handshakeFailed', client: this.client, reason });
  }

  #handleMessages(chunk: Buffer): void {
    const framer = this.#framer;
    framer.frameBytesMax = this.frameBytesMax;
    framer.push(chunk, 0, chunk.length);
    while (!this.isGone && framer.next()) {
      this.#driver.handleFrame(this.client, framer.bytes, framer.offset, framer.length);
      this.noteMessage();
    }
    if (framer.isBroken) this.#close();
  }

  #close(): void {
    this.#driver.handle(() => this.#driver.connections.close(this));
  }
}
