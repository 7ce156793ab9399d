import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { SeededRandom } from '../../../test/support/core/seeded-random.ts';
import type { ServerAddress } from '../../../test/support/turn-transport.ts';
import { happens, withFlippedBit, type Faults } from './faults.ts';

const HOST = '127.0.0.1';
const PIECE_BYTES_MAX = 200;

/** A bad network between TCP clients and a server: streams in pieces of any length, late, cut or corrupt. */
export class ChaosStreamProxy {
  readonly counts = { connections: 0, pieces: 0, delayed: 0, corrupted: 0, cut: 0 };
  readonly #listener: Server;
  readonly #random: SeededRandom;
  readonly #faults: Faults;
  readonly #sockets = new Set<Socket>();

  private constructor(listener: Server, server: ServerAddress, faults: Faults, seed: number) {
    this.#listener = listener;
    this.#faults = faults;
    this.#random = new SeededRandom(seed);
    listener.on('connection', (client) =>
      this.#join(client, connect({ ...server, noDelay: true })),
    );
  }

  /** Opens the port for clients; what is `lost` of a stream ends it. Close it with `close`. */
  static async open(
    server: ServerAddress,
    faults: Faults,
    seed: number,
  ): Promise<ChaosStreamProxy> {
    const listener = createServer({ noDelay: true }).listen(0, HOST);
    await once(listener, 'listening');
    return new ChaosStreamProxy(listener, server, faults, seed);
  }

  /** Where clients are to connect. */
  get address(): ServerAddress {
    return { host: HOST, port: (this.#listener.address() as AddressInfo).port };
  }

  close(): void {
    this.#listener.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket, server: Socket): void {
    this.counts.connections++;
    this.#pump(client, server);
    this.#pump(server, client);
  }

  #pump(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    // The pieces of a stream wait for each other, so that they stay in order.
    let last = Promise.resolve();
    from.on('data', (chunk) => {
      for (const piece of this.#pieces(chunk)) last = last.then(() => this.#pass(piece, from, to));
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      void last.then(() => to.end());
    });
  }

  #pieces(chunk: Buffer): Buffer[] {
    const pieces: Buffer[] = [];
    for (let at = 0; at < chunk.length;) {
      const length = 1 + this.#random.below(PIECE_BYTES_MAX);
      pieces.push(chunk.subarray(at, at + length));
      at += length;
    }
    return pieces;
  }

  async #pass(piece: Buffer, from: Socket, to: Socket): Promise<void> {
    const { counts } = this;
    counts.pieces++;
    if (happens(this.#random, this.#faults.lost)) {
      counts.cut++;
      from.resetAndDestroy();
      to.resetAndDestroy();
      return;
    }
    if (happens(this.#random, this.#faults.delayed)) {
      counts.delayed++;
      const delayMs = 1 + this.#random.below(this.#faults.delayMsMax);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
    const isCorrupt = happens(this.#random, this.#faults.corrupted);
    if (isCorrupt) counts.corrupted++;
    if (to.writable) to.write(isCorrupt ? withFlippedBit(piece, this.#random) : piece);
  }
}
