import { createSocket, type Socket } from 'node:dgram';
import { GatewayError } from '../errors.ts';

/** A UDP backend that returns every datagram: the only peer of the embedded default configuration. */
export class EchoBackend {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Starts to listen; throws GatewayError GW_ERR_LISTEN. */
  static async start({ host, port }: { host: string; port: number }): Promise<EchoBackend> {
    const socket = createSocket('udp4');
    socket.on('message', (data, { address, port: peerPort }) =>
      socket.send(data, peerPort, address),
    );
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind({ address: host, port, exclusive: true }, resolve);
      });
    } catch (error) {
      const detail = `the echo backend cannot listen on udp ${host} port ${port}: ${(error as Error).message}`;
      throw new GatewayError('GW_ERR_LISTEN', detail, { cause: error });
    }
    socket.on('error', () => {});
    return new EchoBackend(socket);
  }

  /** Closes the socket. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }
}
