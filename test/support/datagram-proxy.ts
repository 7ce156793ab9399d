import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { ServerAddress } from './turn-transport.ts';

const HOST = '127.0.0.1';

/** Which way a datagram goes. */
export type Direction = 'toServer' | 'toClient';

/** Sits between one UDP client and a server on IPv4 loopback, loses what it is told to, and slips datagrams in. */
export class DatagramProxy {
  /** What was sent each way, what got lost included. */
  readonly seen: Readonly<Record<Direction, Buffer[]>> = { toServer: [], toClient: [] };
  readonly #outer: Socket;
  readonly #inner: Socket;
  readonly #server: ServerAddress;
  readonly #isLost: (direction: Direction, index: number) => boolean;
  #client: RemoteInfo | undefined;

  private constructor(
    outer: Socket,
    inner: Socket,
    server: ServerAddress,
    isLost: (direction: Direction, index: number) => boolean,
  ) {
    this.#outer = outer;
    this.#inner = inner;
    this.#server = server;
    this.#isLost = isLost;
    outer.on('message', (datagram, client) => {
      this.#client = client;
      if (this.#passes('toServer', datagram)) this.inject(datagram);
    });
    inner.on('message', (datagram) => {
      const client = this.#client;
      if (client === undefined || !this.#passes('toClient', datagram)) return;
      outer.send(datagram, client.port, client.address);
    });
  }

  /** Opens both sockets; `isLost` is asked for the n-th datagram of a direction, counted from 0. */
  static async open(
    server: ServerAddress,
    isLost: (direction: Direction, index: number) => boolean = () => false,
  ): Promise<DatagramProxy> {
    const [outer, inner] = [createSocket('udp4'), createSocket('udp4')];
    for (const socket of [outer, inner]) {
      socket.bind(0, HOST);
      await once(socket, 'listening');
    }
    return new DatagramProxy(outer, inner, server, isLost);
  }

  /** Where the client is to connect. */
  get address(): ServerAddress {
    return { host: HOST, port: this.#outer.address().port };
  }

  /** Sends a datagram to the server as if the client had sent it. */
  inject(datagram: Uint8Array): void {
    this.#inner.send(datagram, this.#server.port, this.#server.host);
  }

  close(): void {
    this.#outer.close();
    this.#inner.close();
  }

  #passes(direction: Direction, datagram: Buffer): boolean {
    const index = this.seen[direction].push(datagram) - 1;
    return !this.#isLost(direction, index);
  }
}
