import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { StunMessage } from '../../src/stun/message.ts';

/** A UDP port that forwards everything between one client and one server and keeps the STUN messages. */
export interface UdpSpy {
  readonly port: number;
  /** STUN messages from the client, in order. */
  readonly requests: readonly StunMessage[];
  close(): void;
}

/** Opens a spy on IPv4 loopback in front of a server there. */
export async function openUdpSpy(serverPort: number): Promise<UdpSpy> {
  const front = await boundSocket();
  const back = await boundSocket();
  const requests: StunMessage[] = [];
  let clientPort = 0;
  front.on('message', (datagram, from) => {
    clientPort = from.port;
    const message = new StunMessage();
    if (message.decode(datagram, 0, datagram.length) === undefined) requests.push(message);
    back.send(datagram, serverPort, '127.0.0.1');
  });
  back.on('message', (datagram) => front.send(datagram, clientPort, '127.0.0.1'));
  const close = (): void => {
    front.close();
    back.close();
  };
  return { port: front.address().port, requests, close };
}

async function boundSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}
