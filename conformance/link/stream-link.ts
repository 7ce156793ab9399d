import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Address } from '../wire/address.ts';
import { frameBytes } from '../wire/channel-data.ts';
import { Inbox } from './inbox.ts';
import type { Link } from './link.ts';

/** A TCP or TLS connection of its own. */
export class StreamLink implements Link {
  readonly isStream = true;
  readonly inbox = new Inbox<Buffer>();
  readonly local: Address;
  readonly #socket: Socket;
  #pending: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#socket = socket;
    this.local = { ip: socket.localAddress!, port: socket.localPort! };
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => this.inbox.end());
    socket.on('end', () => this.inbox.end());
  }

  send(bytes: Buffer): void {
    if (!this.#socket.writable) return;
    this.#socket.write(bytes);
  }

  finish(): void {
    this.#socket.end();
  }

  async close(): Promise<void> {
    if (this.#socket.closed) return;
    this.#socket.destroySoon();
    await once(this.#socket, 'close');
  }

  #receive(bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    let length = frameBytes(this.#pending);
    while (length !== undefined && length <= this.#pending.length) {
      this.inbox.put(this.#pending.subarray(0, length));
      this.#pending = this.#pending.subarray(length);
      length = frameBytes(this.#pending);
    }
  }
}

/** Connects over TCP. */
export async function connectTcp({ ip, port }: Address): Promise<Socket> {
  const socket = connect({ host: ip, port, noDelay: true, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

/** Connects over TLS; rejects when the handshake fails. */
export async function connectSecurely(
  { ip, port }: Address,
  options: ConnectionOptions,
): Promise<TLSSocket> {
  const socket = connectTls({ host: ip, port, ...options });
  await once(socket, 'secureConnect');
  return socket;
}
