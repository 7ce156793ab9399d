import { once } from 'node:events';
import { WebSocket } from 'ws';
import { poll } from './poll.ts';

/** A message of the application server. */
export interface CallMessage {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** A client of the application server of the one-to-one call that is no browser. */
export class CallClient {
  /** What the server has said so far. */
  readonly heard: CallMessage[] = [];
  readonly socket: WebSocket;
  #taken = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      this.heard.push(JSON.parse(data.toString()) as CallMessage);
    });
  }

  /**
   * Connects; rejects when the server does not want it.
   *
   * @param origin - of the page that it pretends to be; a program has none.
   */
  static async open(port: number, origin?: string): Promise<CallClient> {
    const options = origin === undefined ? {} : { origin };
    const socket = new WebSocket(`ws://127.0.0.1:${port}/one2one`, options);
    const client = new CallClient(socket);
    await once(socket, 'open');
    return client;
  }

  /** Connects and registers. */
  static async register(port: number, name: string): Promise<CallClient> {
    const client = await CallClient.open(port);
    client.send({ id: 'register', name });
    const { response } = await client.next('registerResponse');
    if (response !== 'accepted') throw new Error(`${name} is not registered`);
    return client;
  }

  /** Sends a message, or any text. */
  send(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The next message, which has to be of this kind. */
  async next(id: string): Promise<CallMessage> {
    const message = await poll(
      () => this.heard[this.#taken],
      (heard) => heard !== undefined,
    );
    this.#taken++;
    if (message!.id !== id) throw new Error(`not ${id} but ${JSON.stringify(message)}`);
    return message!;
  }
}
