import { closeSocket, openUdpSocket } from '../../../src/sys/socket.ts';
import type { TransportAddress } from '../../../src/stun/transport-address.ts';
import type { GeneratorMemory } from './memory.ts';
import { stampArrivals } from './stamped-batch.ts';
import type { ClientTransport, MessageHandler, Receiver } from './transport.ts';

/** So that nothing is lost here while the generator does something else. */
const CLIENT_BUFFER_BYTES = 2 * 1024 * 1024;

/** Receives datagrams from a socket of the caller, with the time of their arrival. */
export class UdpReceiver implements Receiver {
  readonly fd: number;
  protected readonly memory: GeneratorMemory;

  constructor(memory: GeneratorMemory, fd: number) {
    this.memory = memory;
    this.fd = fd;
    stampArrivals(fd);
  }

  receive(take: MessageHandler): void {
    const { arena, datagrams } = this.memory;
    let count: number;
    do {
      count = datagrams.receive(this.fd);
      for (let slot = 0; slot < count; slot++) {
        const stamp = datagrams.stamp(slot);
        take(arena.bytes, datagrams.payloadOffset(slot), datagrams.length(slot), stamp);
      }
    } while (count === datagrams.slots);
  }
}

/** A client over UDP. */
export class UdpTransport extends UdpReceiver implements ClientTransport {
  readonly #server: TransportAddress;

  /** @param client - IP address to send from. */
  constructor(memory: GeneratorMemory, client: TransportAddress, server: TransportAddress) {
    super(memory, openUdpSocket({ address: client, receiveBufferBytes: CLIENT_BUFFER_BYTES }));
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
