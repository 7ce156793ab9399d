import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { addressText, familyOf, IPV4, type Address } from '../wire/address.ts';
import { Inbox } from './inbox.ts';
import type { Link } from './link.ts';

/** A UDP socket of its own. */
export class UdpLink implements Link {
  readonly isStream = false;
  readonly inbox = new Inbox<Buffer>();
  /** Where datagrams came from, each address once. */
  readonly sources = new Set<string>();
  readonly #socket: Socket;
  readonly #server: Address;

  private constructor(socket: Socket, server: Address) {
    this.#socket = socket;
    this.#server = server;
    socket.on('error', () => undefined);
    socket.on('message', (datagram, from) => {
      this.sources.add(addressText({ ip: from.address, port: from.port }));
      this.inbox.put(datagram);
    });
  }

  /** Opens a socket on a local address, from which the server is reached. */
  static async open(server: Address, localIp: string): Promise<UdpLink> {
    return new UdpLink(await boundSocket(localIp), server);
  }

  get local(): Address {
    const { address: ip, port } = this.#socket.address();
    return { ip, port };
  }

  send(bytes: Buffer): void {
    this.#socket.send(bytes, this.#server.port, this.#server.ip, () => undefined);
  }

  finish(): void {
    throw new Error('there is no end of a datagram socket');
  }

  /** What was sent before leaves first. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => this.#socket.close(() => resolve()));
    });
  }
}

/** A UDP socket that is bound to an address. */
export async function boundSocket(ip: string): Promise<Socket> {
  const socket = createSocket(familyOf(ip) === IPV4 ? 'udp4' : 'udp6');
  socket.bind({ address: ip, exclusive: true });
  await once(socket, 'listening');
  return socket;
}
