import type { Socket } from 'node:net';
import type { Client } from '../../turn/allocation.ts';
import { StreamFramer } from '../../turn/stream-framer.ts';
import { StreamConnection } from '../shared/stream-connection.ts';
import type { PortableDriver } from './portable-driver.ts';

/** A client's TCP connection: cuts the stream into messages and writes what the core answers. */
export class TcpConnection extends StreamConnection {
  readonly #driver: PortableDriver;
  readonly #socket: Socket;
  readonly #framer = new StreamFramer();

  constructor(driver: PortableDriver, client: Client, socket: Socket) {
    super(client, driver.now.monotonicMs);
    this.#driver = driver;
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#handleChunk(chunk));
    // A stream that ends one way is of no use either.
    for (const event of ['end', 'close']) socket.on(event, () => this.#close());
    // The 'close' event follows.
    socket.on('error', () => {});
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

  /** Closes the socket at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  #handleChunk(chunk: Buffer): void {
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
