import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { TlsSettings } from '../../tls/tls-settings.ts';
import type { Client } from '../../turn/allocation.ts';
import type { MonotonicMs } from '../../turn/policy.ts';
import { StreamFramer } from '../../turn/stream-framer.ts';
import { StreamConnection } from '../shared/stream-connection.ts';
import { StreamOpening } from '../shared/stream-opening.ts';
import type { PortableDriver } from './portable-driver.ts';
import type { TcpListener } from './tcp-listener.ts';
import { verifiedIdentity } from './verified-identity.ts';

/** A client's TCP connection, plain or with TLS: cuts the stream into messages and writes what the core answers. */
export class TcpConnection extends StreamConnection {
  readonly listener: TcpListener;
  readonly #driver: PortableDriver;
  readonly #framer = new StreamFramer();
  /** Where messages are read and written: the TCP socket, later maybe the TLS socket around it. */
  #socket: Socket;
  #opening: StreamOpening | undefined;
  #isInHandshake = false;

  constructor(driver: PortableDriver, listener: TcpListener, client: Client, socket: Socket) {
    super(client, driver.now.monotonicMs);
    this.listener = listener;
    this.#driver = driver;
    this.#socket = socket;
    this.#opening = new StreamOpening(listener.rules, client.address);
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
    this.#leaveHandshake();
    const socket = this.#socket;
    if (socket instanceof TLSSocket && !socket.destroyed) socket.end();
    socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    let messages: Buffer | undefined = chunk;
    if (this.#opening !== undefined) messages = this.#open(this.#opening, chunk);
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

  /** Returns the messages that follow the opening in the chunk; undefined when there are none that could be read. */
  #open(opening: StreamOpening, chunk: Buffer): Buffer | undefined {
    let messages: Buffer | undefined;
    this.#driver.handle((_server, { monotonicMs }) => {
      const { connections } = this.#driver;
      const outcome = opening.push(chunk, 0, chunk.length);
      const client = opening.takeClient();
      if (client !== undefined && !connections.attribute(this, client)) return;
      if (outcome === 'more') return;
      this.#opening = undefined;
      const rest = chunk.subarray(opening.consumed);
      if (outcome === 'tls') {
        this.#beginHandshake(rest, monotonicMs);
      } else if (outcome === 'plain') {
        this.client.endpoint = this.listener.endpoints.plainAt(this.client.endpoint);
        this.noteOpen(monotonicMs);
        messages = rest;
      } else {
        connections.refuse(this, outcome);
      }
    });
    return messages;
  }

  #beginHandshake(hello: Buffer, now: MonotonicMs): void {
    const { connections, handshakeGate } = this.#driver;
    if (!handshakeGate.enter(this.client.address, now)) {
      connections.refuse(this, 'tooManyHandshakes');
      return;
    }
    this.#isInHandshake = true;
    this.noteHandshake(now);
    this.#socket.off('data', this.#onData);
    // What is given back is kept for the TLS socket only while the stream does not flow.
    this.#socket.pause();
    this.#socket.unshift(hello);
    this.listener.beginHandshake(this.#socket, {
      onSecure: (secure, settings) => this.#handleSecure(secure, settings),
      onFailure: (reason) => this.#handleFailure(reason),
    });
  }

  #handleSecure(secure: TLSSocket, settings: TlsSettings): void {
    if (this.isGone) return;
    this.#driver.handle((_server, { monotonicMs }) => {
      this.#leaveHandshake();
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

  #leaveHandshake(): void {
    if (this.#isInHandshake) this.#driver.handshakeGate.leave();
    this.#isInHandshake = false;
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
