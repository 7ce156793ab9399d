import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { addressFrom } from './turn-client.ts';

/** A UDP peer that sends back every datagram, closed with `close`. */
export interface UdpEchoPeer {
  readonly address: TransportAddress;
  /** What has arrived so far, as text. */
  readonly received: readonly string[];
  /** Sends a datagram unasked. */
  send(destination: TransportAddress, text: string): void;
  close(): void;
}

/** Opens an echo peer on a free port of an IPv4 loopback address. */
export async function openUdpEchoPeer(ip = '127.0.0.1'): Promise<UdpEchoPeer> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  const received: string[] = [];
  socket.on('message', (data, from) => {
    received.push(data.toString());
    socket.send(data, from.port, from.address);
  });
  socket.bind(0, ip);
  await once(socket, 'listening');
  return {
    address: addressFrom(ip, socket.address().port),
    received,
    send: (destination, text) => socket.send(text, destination.port, destination.ip()),
    close: () => socket.close(),
  };
}
