import type { Socket } from 'node:dgram';
import { GatewayError } from '../errors.ts';
import { bindUdp } from './bind-udp.ts';

/** A UDP backend that returns every datagram: the only peer of the embedded default configuration. */
export class EchoBackend {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (data, { address, port }) => socket.send(data, port, address));
    socket.on('error', () => {});
  }

  /** Starts to listen; throws GatewayError GW_ERR_LISTEN. */
  static async start({ host, port }: { host: string; port: number }): Promise<EchoBackend> {
    try {
      return new EchoBackend(await bindUdp(host, port));
    } catch (error) {
      const detail = `the echo backend cannot listen on udp ${host} port ${port}: ${(error as Error).message}`;
      throw new GatewayError('GW_ERR_LISTEN', detail, { cause: error });
    }
  }

  /** Closes the socket. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }
}
