import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Test } from 'tap';
import type { ServerAddress } from './turn-transport.ts';

/** A way round to a UDP server, like a NAT: whoever sends to `port` reaches it, each from an address of its own. */
export interface DatagramDetour {
  readonly port: number;
  /** Sends to the server in the name of every client that has come through here. */
  inject(datagram: Uint8Array): void;
}

/** Opens a detour, which ends with the test. */
export async function openDatagramDetour(t: Test, server: ServerAddress): Promise<DatagramDetour> {
  const front = await openSocket(t);
  const backByPort = new Map<number, Promise<Socket>>();
  const backs: Socket[] = [];
  const openBack = async (client: RemoteInfo): Promise<Socket> => {
    const back = await openSocket(t);
    back.on('message', (datagram) => front.send(datagram, client.port, client.address));
    backs.push(back);
    return back;
  };
  front.on('message', async (datagram, client) => {
    const back = backByPort.get(client.port) ?? openBack(client);
    backByPort.set(client.port, back);
    (await back).send(datagram, server.port, server.host);
  });
  return {
    port: front.address().port,
    inject: (datagram) => {
      for (const back of backs) back.send(datagram, server.port, server.host);
    },
  };
}

async function openSocket(t: Test): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => void socket.close());
  return socket;
}
