import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { METHOD } from '../../src/stun/registry.ts';
import { TestClient, type SigningOptions } from '../../test/support/core/test-client.ts';
import { TurnDriver } from '../../test/support/core/turn-driver.ts';
import { within } from '../../test/support/child-process.ts';
import type { ServerAddress } from '../../test/support/turn-transport.ts';

const ANSWER_MS_MAX = 5000;
const UNSIGNED: SigningOptions = {
  user: 'none',
  nonce: undefined,
  realm: undefined,
  integrity: 'none',
};

/** Sends a gateway requests made by hand from one socket, one after the other; close it with `close`. */
export class Asker {
  /** Makes requests with the nonce that the gateway gave this socket. */
  readonly signer = new TestClient(new TurnDriver());
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Opens a socket and asks for a nonce. */
  static async open({ host, port }: ServerAddress): Promise<Asker> {
    const socket = createSocket('udp4');
    socket.connect(port, host);
    await once(socket, 'connect');
    const asker = new Asker(socket);
    const { signer } = asker;
    const challenge = await asker.ask(signer.build(METHOD.ALLOCATE, undefined, UNSIGNED));
    const start = challenge.indexOf('obMatJos2');
    signer.nonce = challenge.toString('latin1', start, start + challenge.readUInt16BE(start - 2));
    return asker;
  }

  /** Sends a message and waits for the next datagram; rejects when there is none for five seconds. */
  async ask(message: Uint8Array): Promise<Buffer> {
    const answer = once(this.#socket, 'message') as Promise<[Buffer]>;
    this.#socket.send(message);
    const [data] = await within(ANSWER_MS_MAX, answer, () => 'the gateway does not answer');
    return data;
  }

  close(): void {
    this.#socket.close();
  }
}
