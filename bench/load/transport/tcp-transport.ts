import { constants } from 'node:os';
import { closeSocket } from '../../../src/sys/socket.ts';
import { receiveStream, sendStream } from '../../../src/sys/stream.ts';
import { SystemError } from '../../../src/sys/system-error.ts';
import type { TransportAddress } from '../../../src/stun/transport-address.ts';
import { connectStream, setNonblocking } from './connect.ts';
import { type GeneratorMemory, STREAM_READ_BYTES } from './memory.ts';
import { StreamMessages } from './stream-messages.ts';
import type { ClientTransport, MessageHandler } from './transport.ts';

const { EAGAIN } = constants.errno;

/** A client over plain TCP. */
export class TcpTransport implements ClientTransport {
  readonly fd: number;
  readonly #memory: GeneratorMemory;
  readonly #messages = new StreamMessages();

  /** Connects, and waits for it. */
  constructor(memory: GeneratorMemory, client: TransportAddress, server: TransportAddress) {
    this.#memory = memory;
    this.fd = connectStream(client, server);
    setNonblocking(this.fd);
  }

  send(offset: number, length: number): boolean {
    let sent = this.#write(offset, length);
    if (sent === 0) return false;
    // The stream is useless without the rest, and the server reads whatever becomes of the packets.
    while (sent < length) sent += this.#write(offset + sent, length - sent);
    return true;
  }

  receive(take: MessageHandler): void {
    const { arena, streamOffset } = this.#memory;
    for (;;) {
      const length = receiveStream(this.fd, arena, streamOffset, STREAM_READ_BYTES);
      if (length === -EAGAIN) return;
      if (length <= 0) throw new SystemError('recv', -length, 'from the server');
      this.#messages.push(arena.bytes, streamOffset, length, take);
      if (length < STREAM_READ_BYTES) return;
    }
  }

  close(): void {
    closeSocket(this.fd);
  }

  #write(offset: number, length: number): number {
    const sent = sendStream(this.fd, this.#memory.arena, offset, length);
    if (sent >= 0) return sent;
    if (sent === -EAGAIN) return 0;
    throw new SystemError('send', -sent, 'to the server');
  }
}
