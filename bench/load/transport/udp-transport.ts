import { closeSocket, openUdpSocket } from '../../../src/sys/socket.ts';
import type { TransportAddress } from '../../../src/stun/transport-address.ts';
import { CLIENT_IP, transportAddress } from '../../settings.ts';
import { DATAGRAM_SLOTS, type GeneratorMemory } from './memory.ts';
import type { ClientTransport, MessageHandler, Receiver } from './transport.ts';

/** Receives datagrams from a socket of the caller. */
export class UdpReceiver implements Receiver {
  readonly fd: number;
  protected readonly memory: GeneratorMemory;

  constructor(memory: GeneratorMemory, fd: number) {
    this.memory = memory;
    this.fd = fd;
  }

  receive(take: MessageHandler): void {
    const { arena, datagrams } = this.memory;
    for (;;) {
      const count = datagrams.receive(this.fd, 0, DATAGRAM_SLOTS);
      for (let slot = 0; slot < count; slot++) {
        take(arena.bytes, datagrams.payloadOffset(slot), datagrams.length(slot));
      }
      if (count < DATAGRAM_SLOTS) return;
    }
  }
}

/** A client over UDP. */
export class UdpTransport extends UdpReceiver implements ClientTransport {
  readonly #server: TransportAddress;

  constructor(memory: GeneratorMemory, server: TransportAddress) {
    super(memory, openUdpSocket({ address: transportAddress(CLIENT_IP, 0) }));
    this.#server = server;
  }

  send(offset: number, length: number): boolean {
    const { datagramSend } = this.memory;
    datagramSend.add(offset, length, this.#server);
    return datagramSend.flush(this.fd) === 0;
  }

  close(): void {
    closeSocket(this.fd);
  }
}
