import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import { IPV6, type TransportAddress } from '../../stun/transport-address.ts';
import { ipText } from './address-text.ts';

/** Binds a UDP socket of one family; rejects with the system's error. Later errors of it are never thrown. */
export async function openUdpSocket(address: TransportAddress): Promise<Socket> {
  const type = address.family === IPV6 ? 'udp6' : 'udp4';
  const socket = createSocket({ type, ipv6Only: type === 'udp6', reuseAddr: false, lookup });
  await new Promise<void>((resolve, reject) => {
    // Stays for good: without a listener an error would end the process.
    socket.on('error', reject);
    socket.bind({ address: ipText(address), port: address.port, exclusive: true }, resolve);
  }).catch((error: unknown) => {
    socket.close();
    throw error;
  });
  return socket;
}

/** Sends a datagram, or loses it; `bytes` must stay as they are until it has left. */
export function sendDatagram(socket: Socket, bytes: Uint8Array, to: TransportAddress): void {
  // Port 0 comes from forged source addresses, and nothing can be sent there.
  if (to.port !== 0) socket.send(bytes, to.port, ipText(to), ignoreOutcome);
}

/** Closes a socket. */
export function closeUdpSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.close(() => resolve());
  });
}

/** Every address is one already; the ordinary look-up would put off each datagram for nothing. */
const lookup: NonNullable<SocketOptions['lookup']> = (ip, _options, callback) => {
  callback(null, ip, ip.includes(':') ? 6 : 4);
};

function ignoreOutcome(): void {}
