import type { Socket } from 'node:dgram';
import { Mismatch } from './conformance-case.ts';
import { Inbox } from './link/inbox.ts';
import { boundSocket } from './link/udp-link.ts';
import type { Address } from './wire/address.ts';

/** A datagram that a peer got. */
export interface Received {
  readonly payload: Buffer;
  readonly from: Address;
}

/** A UDP socket that the server relays to. */
export class Peer {
  readonly address: Address;
  readonly #socket: Socket;
  readonly #inbox = new Inbox<Received>();
  readonly #patienceMs: number;
  #closed: Promise<void> | undefined;

  private constructor(socket: Socket, patienceMs: number) {
    const { address: ip, port } = socket.address();
    this.address = { ip, port };
    this.#socket = socket;
    this.#patienceMs = patienceMs;
    socket.on('error', () => undefined);
    socket.on('message', (payload, { address, port: fromPort }) =>
      this.#inbox.put({ payload, from: { ip: address, port: fromPort } }),
    );
  }

  /** Opens a socket at an address of this machine. */
  static async open(ip: string, patienceMs: number): Promise<Peer> {
    return new Peer(await boundSocket(ip), patienceMs);
  }

  send(payload: Buffer | string, { ip, port }: Address): void {
    this.#socket.send(payload, port, ip, () => undefined);
  }

  /** The next datagram. */
  async receive(): Promise<Received> {
    const received = await this.#inbox.take(() => true, this.#patienceMs);
    if (received === undefined) throw new Mismatch('nothing arrives at the peer');
    return received;
  }

  /** Expects this payload to be the next that arrives. */
  async expect(payload: Buffer | string): Promise<Received> {
    const received = await this.receive();
    const wanted = Buffer.from(payload);
    if (received.payload.equals(wanted)) return received;
    throw new Mismatch(`the peer gets ${excerpt(received.payload)}, not ${excerpt(wanted)}`);
  }

  /** Gives the port back; more than once does no harm. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#socket.close(() => resolve());
    });
    return this.#closed;
  }
}

/** Bytes in a message for people. */
export function excerpt(payload: Buffer): string {
  if (payload.length > 40) return `${payload.length} bytes`;
  return JSON.stringify(payload.toString('latin1'));
}
