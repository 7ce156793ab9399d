import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { TransportAddress } from '../stun/transport-address.ts';
import { ClientError, socketFailure } from './client-error.ts';
import { endpointText, withoutZone } from './endpoint-text.ts';
import type { ClientTransport, ClientTransportHandler, ServerEndpoint } from './transport.ts';

const RECEIVE_BUFFER_BYTES = 1024 * 1024;

/**
 * Opens a UDP socket connected to a server, so that it hears of ICMP errors.
 *
 * @throws ClientError `unreachable` when this host has no way to the address.
 */
export async function openUdpTransport(
  server: ServerEndpoint,
  handler: ClientTransportHandler,
): Promise<ClientTransport> {
  const what = `UDP to ${endpointText(server.ip, server.port)}`;
  const socket = createSocket({
    type: server.ip.includes(':') ? 'udp6' : 'udp4',
    recvBufferSize: RECEIVE_BUFFER_BYTES,
  });
  try {
    socket.connect(server.port, server.ip);
    await once(socket, 'connect');
  } catch (error) {
    socket.close();
    throw socketFailure(error as Error, what);
  }
  let isOpen = true;
  const fail = (error: Error): void => {
    if (isOpen) handler.onClosed(socketFailure(error, what));
  };
  socket.on('message', (frame) => handler.onFrame(frame));
  socket.on('error', fail);
  const { address, port } = socket.address();
  return {
    isReliable: false,
    local: localAddress(address, port),
    certificate: undefined,
    send: (frame) =>
      new Promise((resolve) => {
        if (!isOpen) return resolve();
        socket.send(frame, (error) => {
          if (error) fail(error);
          resolve();
        });
      }),
    close: () =>
      new Promise((resolve) => {
        if (!isOpen) return resolve();
        isOpen = false;
        socket.close(() => resolve());
      }),
  };
}

/**
 * The address of a socket as the system gives it.
 *
 * @throws ClientError `protocol` when it is none, which only a scoped IPv6 address can be.
 */
export function localAddress(ip: string, port: number): TransportAddress {
  const address = TransportAddress.parse(withoutZone(ip), port);
  if (address === undefined) throw new ClientError('protocol', `unknown local address ${ip}`);
  return address;
}
