import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { addressFrom } from './turn-client.ts';

const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const RECEIVED_MAX = 10_000;

/** A UDP peer that sends back every datagram, closed with `close`. */
export interface UdpEchoPeer {
  readonly address: TransportAddress;
  /** How many datagrams have arrived so far. */
  readonly arrived: number;
  /** The last 10,000 of them, as text. */
  readonly received: readonly string[];
  /** Sends a datagram unasked. */
  send(destination: TransportAddress, text: string): void;
  close(): void;
}

/** What may be said about the socket of an echo peer. */
export interface EchoPeerOptions {
  /** A free one unless given. */
  readonly port?: number;
  readonly receiveBufferBytes?: number;
}

/** Opens an echo peer on an IPv4 loopback address, or another one of this host. */
export async function openUdpEchoPeer(
  ip = '127.0.0.1',
  { port = 0, receiveBufferBytes = RECEIVE_BUFFER_BYTES }: EchoPeerOptions = {},
): Promise<UdpEchoPeer> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: receiveBufferBytes });
  const received: string[] = [];
  let arrived = 0;
  socket.on('message', (data, from) => {
    arrived++;
    if (received.push(data.toString()) > RECEIVED_MAX) received.shift();
    socket.send(data, from.port, from.address);
  });
  socket.bind(port, ip);
  await once(socket, 'listening');
  return {
    address: addressFrom(ip, socket.address().port),
    received,
    get arrived() {
      return arrived;
    },
    send: (destination, text) => socket.send(text, destination.port, destination.ip()),
    close: () => socket.close(),
  };
}
