import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/**
 * Opens a UDP socket on one address of this host; rejects with the error of the system and leaves nothing open.
 *
 * @param port - 0 lets the system choose.
 */
export async function bindUdp(ip: string, port: number): Promise<Socket> {
  const socket = ip.includes(':')
    ? createSocket({ type: 'udp6', ipv6Only: true })
    : createSocket('udp4');
  try {
    socket.bind({ address: ip, port, exclusive: true });
    await once(socket, 'listening');
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
