import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { SeededRandom } from '../../../test/support/core/seeded-random.ts';
import type { ServerAddress } from '../../../test/support/turn-transport.ts';
import type { ForgeryWatch } from './forgery-watch.ts';
import { happens, withFlippedBit, type Faults } from './faults.ts';

const HOST = '127.0.0.1';
const BUFFER_BYTES = 4 * 1024 * 1024;

/** What a proxy has done to datagrams of both directions. */
export interface ChaosCounts {
  seen: number;
  lost: number;
  duplicated: number;
  delayed: number;
  corrupted: number;
  tooLarge: number;
}

/** What is between clients and a server. */
export interface ChaosProxyOptions {
  readonly server: ServerAddress;
  readonly faults: Faults;
  readonly seed: number;
  /** Is told of corrupt requests; those then never arrive unharmed. */
  readonly forgeries?: ForgeryWatch;
}

/** A bad network between UDP clients and a server: a NAT with faults, the same for the same seed and traffic. */
export class ChaosProxy {
  readonly counts: ChaosCounts = {
    seen: 0,
    lost: 0,
    duplicated: 0,
    delayed: 0,
    corrupted: 0,
    tooLarge: 0,
  };
  readonly #outer: Socket;
  readonly #server: ServerAddress;
  readonly #faults: Faults;
  readonly #random: SeededRandom;
  readonly #forgeries: ForgeryWatch | undefined;
  /** By port of the client. */
  readonly #innerByClient = new Map<number, Socket>();
  #isOpen = true;

  private constructor(outer: Socket, options: ChaosProxyOptions) {
    const { server, faults, seed, forgeries } = options;
    this.#outer = outer;
    this.#server = server;
    this.#faults = faults;
    this.#random = new SeededRandom(seed);
    this.#forgeries = forgeries;
    outer.on('message', (datagram, client) => this.#toServer(datagram, client));
  }

  /** Opens the port for clients; close it with `close`. */
  static async open(options: ChaosProxyOptions): Promise<ChaosProxy> {
    const outer = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES }).bind(0, HOST);
    await once(outer, 'listening');
    return new ChaosProxy(outer, options);
  }

  /** Where clients are to connect. */
  get address(): ServerAddress {
    return { host: HOST, port: this.#outer.address().port };
  }

  /** Gives every client another address before the server, as a NAT that has forgotten them. */
  rebind(): void {
    for (const inner of this.#innerByClient.values()) inner.close();
    this.#innerByClient.clear();
  }

  close(): void {
    this.#isOpen = false;
    this.#outer.close();
    this.rebind();
  }

  #toServer(datagram: Buffer, client: RemoteInfo): void {
    if (!this.#innerByClient.has(client.port)) this.#openInner(client);
    const forward = (bytes: Buffer): void => {
      const inner = this.#innerByClient.get(client.port);
      inner?.send(bytes, this.#server.port, this.#server.host);
    };
    this.#pass(
      datagram,
      forward,
      (corrupt) => this.#forgeries?.noteCorrupted(datagram, corrupt) ?? true,
    );
  }

  /** What is sent before it is bound waits in the socket. */
  #openInner(client: RemoteInfo): void {
    const inner = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES }).bind(0, HOST);
    this.#innerByClient.set(client.port, inner);
    inner.on('message', (datagram) => {
      this.#forgeries?.noteAnswer(datagram);
      this.#pass(datagram, (bytes) => this.#outer.send(bytes, client.port, client.address));
    });
  }

  #pass(
    datagram: Buffer,
    forward: (bytes: Buffer) => void,
    onCorrupted: (bytes: Buffer) => boolean = () => true,
  ): void {
    const { counts } = this;
    const [faults, random] = [this.#faults, this.#random];
    counts.seen++;
    if (datagram.length > faults.largestBytes) return void counts.tooLarge++;
    if (happens(random, faults.lost)) return void counts.lost++;
    let bytes = datagram;
    if (happens(random, faults.corrupted)) {
      const corrupt = withFlippedBit(datagram, random);
      if (onCorrupted(corrupt)) {
        counts.corrupted++;
        bytes = corrupt;
      }
    }
    if (bytes === datagram && this.#forgeries?.isPoisoned(datagram)) return void counts.lost++;
    const copies = happens(random, faults.duplicated) ? 2 : 1;
    counts.duplicated += copies - 1;
    for (let copy = 0; copy < copies; copy++) this.#deliver(bytes, forward);
  }

  #deliver(bytes: Buffer, forward: (bytes: Buffer) => void): void {
    if (!happens(this.#random, this.#faults.delayed)) return forward(bytes);
    this.counts.delayed++;
    const later = (): void => {
      if (this.#isOpen) forward(bytes);
    };
    setTimeout(later, 1 + this.#random.below(this.#faults.delayMsMax));
  }
}
