import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { ServerAddress } from './turn-transport.ts';

const HOST = '127.0.0.1';

/** Which way a datagram goes. */
export type Direction = 'toServer' | 'toClient';

/**
 * Sits between UDP clients and a server on IPv4 loopback like a NAT, with an address of its own for each client; loses what
 * it is told to, and slips datagrams in.
 */
export class DatagramProxy {
  /** What was sent each way, what got lost included. */
  readonly seen: Readonly<Record<Direction, Buffer[]>> = { toServer: [], toClient: [] };
  readonly #outer: Socket;
  readonly #server: ServerAddress;
  readonly #isLost: (direction: Direction, index: number) => boolean;
  /** By port of the client. */
  readonly #innerByClient = new Map<number, Socket>();

  private constructor(
    outer: Socket,
    server: ServerAddress,
    isLost: (direction: Direction, index: number) => boolean,
    isAdmitted: (port: number) => boolean,
  ) {
    this.#outer = outer;
    this.#server = server;
    this.#isLost = isLost;
    outer.on('message', (datagram, client) => {
      if (!isAdmitted(client.port)) return;
      const inner = this.#innerByClient.get(client.port) ?? this.#openInner(client);
      if (this.#passes('toServer', datagram)) inner.send(datagram, server.port, server.host);
    });
  }

  /**
   * Opens the port for clients.
   *
   * @param isLost - is asked for the n-th datagram of a direction, counted from 0.
   * @param isAdmitted - who may come in, by port.
   */
  static async open(
    server: ServerAddress,
    isLost: (direction: Direction, index: number) => boolean = () => false,
    isAdmitted: (port: number) => boolean = () => true,
  ): Promise<DatagramProxy> {
    const outer = createSocket('udp4').bind(0, HOST);
    await once(outer, 'listening');
    return new DatagramProxy(outer, server, isLost, isAdmitted);
  }

  /** Where clients are to connect. */
  get address(): ServerAddress {
    return { host: HOST, port: this.#outer.address().port };
  }

  /** Sends a datagram to the server in the name of every client that has come through here. */
  inject(datagram: Uint8Array): void {
    for (const inner of this.#innerByClient.values()) {
      inner.send(datagram, this.#server.port, this.#server.host);
    }
  }

  close(): void {
    this.#outer.close();
    for (const inner of this.#innerByClient.values()) inner.close();
  }

  /** What is sent before it is bound waits in the socket. */
  #openInner(client: RemoteInfo): Socket {
    const inner = createSocket('udp4').bind(0, HOST);
    this.#innerByClient.set(client.port, inner);
    inner.on('message', (datagram) => {
      if (this.#passes('toClient', datagram)) {
        this.#outer.send(datagram, client.port, client.address);
      }
    });
    return inner;
  }

  #passes(direction: Direction, datagram: Buffer): boolean {
    const index = this.seen[direction].push(datagram) - 1;
    return !this.#isLost(direction, index);
  }
}
