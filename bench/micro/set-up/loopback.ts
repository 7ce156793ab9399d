import { TransportAddress } from '../../../src/stun/transport-address.ts';
import { Arena } from '../../../src/sys/arena.ts';
import { Poller } from '../../../src/sys/epoll.ts';
import { EPOLLIN } from '../../../src/sys/layout.ts';
import { ReceiveBatch } from '../../../src/sys/receive-batch.ts';
import { SendBatch } from '../../../src/sys/send-batch.ts';
import { closeSocket, localAddress, openUdpSocket } from '../../../src/sys/socket.ts';
import { transportAddress } from '../../settings.ts';

/** Datagrams that are sent or received with one system call. */
export const BATCH = 64;

const DATAGRAM_BYTES_MAX = 2048;
const BUFFER_BYTES = 4 * 1024 * 1024;
const ARRIVAL_MS_MAX = 2000;

/** Loopback addresses of everybody who takes part. */
export const LOOPBACK = {
  IPv4: { server: '127.0.78.1', peer: '127.0.78.2', client: '127.0.78.3' },
  IPv6: { server: '::1', peer: '::1', client: '::1' },
} as const;

/** A UDP socket with the address it is bound to. */
export interface LoopbackSocket {
  readonly fd: number;
  readonly address: TransportAddress;
}

/** Opens a socket on a port of the kernel's choice; throws SystemError when the host has no such address. */
export function openLoopbackSocket(ip: string): LoopbackSocket {
  const fd = openUdpSocket({
    address: transportAddress(ip, 0),
    receiveBufferBytes: BUFFER_BYTES,
    sendBufferBytes: BUFFER_BYTES,
  });
  const address = new TransportAddress();
  localAddress(fd, address);
  return { fd, address };
}

/** What sends and receives on the other end of measured sockets; creates nothing while it does. */
export class LoopbackTraffic {
  readonly #arena = new Arena(1 << 20);
  readonly #sends = new SendBatch(this.#arena, BATCH);
  readonly #received = new ReceiveBatch(this.#arena, {
    slots: BATCH,
    slotBytes: DATAGRAM_BYTES_MAX,
    headroomBytes: 0,
    control: false,
  });
  readonly #poller = new Poller(this.#arena, 1);
  readonly #outgoing = this.#arena.allocate(DATAGRAM_BYTES_MAX);
  #outgoingBytes = 0;

  /** Sets what `send` sends from now on. */
  load(datagram: Uint8Array): void {
    this.#arena.bytes.set(datagram, this.#outgoing);
    this.#outgoingBytes = datagram.length;
  }

  /** Sends the datagram that is loaded, `count` times, at most `BATCH`. */
  send(fd: number, destination: TransportAddress, count: number): void {
    for (let index = 0; index < count; index++) this.#add(destination);
    this.#flush(fd);
  }

  /** Sends the datagram that is loaded from every socket. */
  sendFromAll(sockets: readonly LoopbackSocket[], destination: TransportAddress): void {
    for (let index = 0; index < sockets.length; index++) {
      this.send(sockets[index]!.fd, destination, 1);
    }
  }

  /** Sends the datagram that is loaded to every destination, at most `BATCH`. */
  sendToAll(fd: number, destinations: readonly TransportAddress[]): void {
    for (let index = 0; index < destinations.length; index++) this.#add(destinations[index]!);
    this.#flush(fd);
  }

  /** Throws away what waits on a socket; returns how many datagrams it were. */
  drain(fd: number): number {
    let drained = 0;
    for (;;) {
      const count = this.#received.receive(fd, 0, BATCH);
      if (count > 0) drained += count;
      if (count < BATCH) return drained;
    }
  }

  /** Throws away what waits on sockets. */
  drainAll(sockets: readonly LoopbackSocket[]): void {
    for (let index = 0; index < sockets.length; index++) this.drain(sockets[index]!.fd);
  }

  /** Waits until a datagram can be received; throws when none comes. */
  await(fd: number): void {
    this.#poller.add(fd, EPOLLIN, fd);
    const count = this.#poller.wait(ARRIVAL_MS_MAX);
    this.#poller.remove(fd);
    if (count === 0) throw new Error('nothing arrives');
  }

  /** Waits for a datagram and returns a copy of it. */
  receive(fd: number): Uint8Array {
    this.await(fd);
    this.#received.receive(fd, 0, 1);
    const offset = this.#received.payloadOffset(0);
    return this.#arena.bytes.slice(offset, offset + this.#received.length(0));
  }

  #add(destination: TransportAddress): void {
    this.#sends.add(this.#outgoing, this.#outgoingBytes, destination);
  }

  /** Throws when the kernel does not take what was added. */
  #flush(fd: number): void {
    if (this.#sends.flush(fd) > 0) throw new Error('the kernel does not take datagrams');
  }
}

/** True when the host has the IPv6 loopback address. */
export function hasIpv6Loopback(): boolean {
  try {
    closeSocket(openLoopbackSocket(LOOPBACK.IPv6.server).fd);
    return true;
  } catch {
    return false;
  }
}
